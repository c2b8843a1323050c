"""Most edits are told off by one number: what they change of a gradient along one random direction.

How each tensor of the forward pass moves along the direction, its tangent, is known. So the number is known
where an edited call stands, and nothing has to flow back from there:

    ⟨direction, gradient with the edit − right gradient⟩ = Σ ⟨what it hands back − what it should, tangents⟩

What is not told off is computed as a whole.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from torch_reference.diagnosis.edits.editor import Call, Edit
from torch_reference.diagnosis.edits.moving_call import MovingCall
from torch_reference.diagnosis.edits.recorded_graph import RecordedGraph, change_at, differentiated
from torch_reference.diagnosis.random_draws import ROUNDINGS
from torch_reference.judging.derivation_task import normal
from torch_reference.layers.own_generator import own_generator

SEED, FEW = 5, 4
"""Along so many elements an error is seen, and along so many beside it."""


class RandomDirection:
    """A direction in one gradient, and the error of what was returned along it."""

    def __init__(self, graph: RecordedGraph, name: str, manual: Tensor, right: Tensor) -> None:
        """Look along it, in the gradient of that name.

        Errors: RuntimeError where the reference has no second derivative
        Shapes: manual and right as the gradient
        """
        error, eps = manual - right, torch.finfo(manual.dtype).eps
        # So far apart are two gradients at most that are alike (random_draws.py).
        roundings = ROUNDINGS * eps * torch.maximum(manual.abs(), right.abs()).amax()
        apart = 2 * (eps**0.5 * manual.abs() + roundings)
        direction = _towards(error, apart)
        self.graph, self.tangents = graph, _tangents(graph, graph.leaves[name], direction)
        self.error = float((direction * error).sum())
        self.limit = float((direction.abs() * apart).sum())
        self.alone, self.change_alone = cache(self._alone), cache(self._change)
        self.moving = cache(self._moving)
        self.changes_before = cache(self._changes_before)

    def tells_off(self, made: Sequence[Edit]) -> bool:
        """Whether these edits, at one call or two, make another gradient than what was returned.

        Errors: whatever the edits raise, and RuntimeError where it is not known
        """
        numbers = sorted({edit.call for edit in made}, reverse=True)  # from the loss backwards
        if len(numbers) > 2 or not self.graph.is_as_made:
            return False
        change, more = 0.0, dict[int, Tensor | None]()
        for number in numbers:
            edits = tuple(edit for edit in made if edit.call == number)
            change += self.change_alone(number, edits)
            if more.get(number) is not None:
                change += self._change(number, edits, more[number])
            more = self.changes_before(number, edits) if number != numbers[-1] else {}
        return abs(change - self.error) > self.limit

    def _change(self, number: int, edits: tuple[Edit, ...], above: Tensor | None = None) -> float:
        """What these edits at one call change along the direction, of what comes from above or of this.

        Shapes: above that of the call's result
        """
        own, tangents, call = self.graph.upstream[number], self.tangents[number], self.alone(number)
        is_own, above = above is None, own if above is None else above
        if above is not None and tangents and len(edits) == 1:
            moving = self.moving(number)
            told = moving.change(edits[0], above, is_own) if moving else None
            if told is not None:
                return float(told)
        edited = call.with_edits(edits, self.graph.others)
        if edited.shape != call.result.shape:
            raise RuntimeError("another shape")
        if above is None or not tangents:
            return 0.0
        total = (above * (edited - call.result)).sum()
        backs = differentiated(total, [call.tensors[place] for place in tangents])
        pairs = zip(backs, tangents.values(), strict=True)
        return sum(float((back * tangent).sum()) for back, tangent in pairs if back is not None)

    def _moving(self, number: int) -> MovingCall | None:
        """A call with its parts; None where it has no second derivative."""
        above = self.graph.upstream[number]
        if above is None:
            return None
        try:
            return MovingCall(self.alone(number), self.tangents[number], above, self.graph.others)
        except RuntimeError:
            return None

    def _alone(self, number: int) -> Call:
        """A call of tensors that nothing leads to.

        Errors: RuntimeError for one that makes another value each time, or takes by name what may move
        """
        call = self.graph.calls[number]
        own = dict(enumerate(each.detach().requires_grad_(each.requires_grad) for each in call.tensors))
        result = call.again(own)
        if call.has_named_tensors or not torch.equal(result.detach(), call.result.detach()):
            raise RuntimeError("not the same by itself")
        return call._replace(
            tensors=tuple(own.values()),
            result=result,
            again=lambda replaced: call.again({**own, **replaced}),
        )

    def _changes_before(self, number: int, edits: tuple[Edit, ...]) -> dict[int, Tensor | None]:
        """What these edits change of what comes from above at each call before it."""
        above, earlier = self.graph.upstream[number], self.graph.calls[:number]
        if above is None:
            return {}
        at = change_at(self.graph.calls[number], edits, above, self.graph.others)
        return dict(enumerate(differentiated(at, [call.result for call in earlier])))


def _towards(error: Tensor, apart: Tensor) -> Tensor:
    """Random numbers, of the signs of the error, where it is most beyond what two that are alike are apart.

    Of all elements the error would hide in what each of them may be apart: that adds up, and random errors
    do not. As many stand anywhere: of a column of zeros nothing else tells that all are not.
    """
    off, generator = error.flatten(), own_generator(SEED)
    worst = (off.abs() / apart.flatten()).topk(min(FEW, len(off))).indices
    anywhere = torch.randint(0, len(off), (FEW,), generator=generator, device="cpu").to(worst.device)
    places = torch.cat([worst, anywhere])
    direction = torch.zeros_like(off)
    direction[places] = normal(off[places], generator).abs() * torch.where(off[places] < 0, -1.0, 1.0)
    return direction.reshape(error.shape)


def _tangents(graph: RecordedGraph, leaf: Tensor, direction: Tensor) -> list[dict[int, Tensor]]:
    """How the tensors of each call that move along the direction do so, by their places.

    Formula: d/dw ⟨direction, d ⟨w, tensor⟩ / d leaf⟩, which is linear in w
    """
    moving = {id(each): each for call in graph.calls for each in call.tensors if each.requires_grad}
    weights = {key: torch.zeros_like(each).requires_grad_() for key, each in moving.items()}
    total = torch.stack([(weights[key] * each).sum() for key, each in moving.items()]).sum()
    [back] = torch.autograd.grad(total, [leaf], create_graph=True)
    along = torch.autograd.grad((direction * back).sum(), list(weights.values()), allow_unused=True)
    found = {key: each for key, each in zip(weights, along, strict=True) if each is not None}
    return [
        {place: found[id(each)] for place, each in enumerate(call.tensors) if id(each) in found}
        for call in graph.calls
    ]
