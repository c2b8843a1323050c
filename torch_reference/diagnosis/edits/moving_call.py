"""How a call's result moves along a direction by way of each argument: of that most edits are one product.

What an edit hands back is often what the call does, times something, or as if an argument were another one.
Then what it changes is known from these parts, and the call need not be differentiated for each edit.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from torch_reference.diagnosis.edits.editor import Call, Edit
from torch_reference.diagnosis.edits.wrong_derivatives import (
    ComesBackTimes,
    ComesFromAbove,
    OthersSee,
    Place,
    path_dropped,
)
from torch_reference.diagnosis.edits.wrong_factors import AnotherSlope


class MovingCall:
    """A call, the tangents of its arguments, by their places, and what comes from above."""

    def __init__(
        self, call: Call, tangents: Mapping[int, Tensor], above: Tensor, others: Sequence[Tensor]
    ) -> None:
        """Take the parts, each by a second derivative.

        Errors: RuntimeError where it has none
        Shapes: tangents as the arguments; above as the result
        """
        self.call, self.tangents, self.others = call, tangents, others
        weights = above.detach().clone().requires_grad_()
        self._tensors = [each.detach().requires_grad_(each.is_floating_point()) for each in call.tensors]
        with torch.enable_grad():
            total = (weights * call.again(dict(enumerate(self._tensors)))).sum()
            arguments = [self._tensors[place] for place in tangents]
            backs = torch.autograd.grad(total, arguments, create_graph=True, allow_unused=True)
            pairs = zip(tangents.items(), backs, strict=True)
            self._along = {place: (back * along).sum() for (place, along), back in pairs if back is not None}
        self.parts = {place: _derivative(along, weights) for place, along in self._along.items()}
        self.whole = torch.stack([torch.zeros_like(above), *self.parts.values()]).sum(0)
        self.as_others_see = cache(self._as_others_see)

    @torch.no_grad()
    def change(self, edit: Edit, above: Tensor, is_own: bool) -> Tensor | None:
        """What an edit changes along the direction, of what comes from above; None where this does not tell.

        Shapes: above as the result, and whether it is what this was made with; the change is one number
        """
        call, wrong, argument = self.call, edit.wrong, edit.argument
        here = Place(call.name, call.again, call.tensors, argument, call.result, self.others)
        if isinstance(wrong, OthersSee):
            value = wrong.value(here)
            # A row for a column is no argument of the same shape, in which the call would be linear.
            is_told = is_own and value.shape == here.x.shape
            return ((value - here.x) * self.as_others_see(argument)).sum() if is_told else None
        if isinstance(wrong, ComesFromAbove):
            return ((wrong.change(above) - above) * self.whole).sum()
        part = self.parts.get(argument)
        if part is None:
            return above.new_zeros(())
        if wrong is path_dropped:
            return -(above * part).sum()
        if isinstance(wrong, ComesBackTimes):
            return ((wrong.factor(here) - 1) * (above * part)).sum()
        if isinstance(wrong, AnotherSlope):
            return (above * (wrong.factor(here) * self.tangents[argument] - part)).sum()
        return None

    def _as_others_see(self, argument: int) -> Tensor:
        """By what the change of an argument that only the others see is multiplied.

        The call is a product, and so linear in it.
        """
        others = [along for place, along in self._along.items() if place != argument]
        if not others:
            return torch.zeros_like(self._tensors[argument])
        with torch.enable_grad():
            return _derivative(torch.stack(others).sum(), self._tensors[argument])


def _derivative(of: Tensor, by: Tensor) -> Tensor:
    """Zeros where it does not depend on it."""
    if not of.requires_grad:
        return torch.zeros_like(by)
    [found] = torch.autograd.grad(of, by, retain_graph=True, allow_unused=True)
    return torch.zeros_like(by) if found is None else found
