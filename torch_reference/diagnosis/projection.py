"""A mistake below the rounding of single elements, found along its own direction.

A mean that is dropped from a layer norm moves no element of 16 bits by more than a rounding or two, and all
of them together by a hundred. If v is what a mistake would add to the right gradient, and e what was added,

    α = ⟨e, v⟩ / ⟨v, v⟩,    σ = ‖e − α v‖ / (√n ‖v‖)

are how much of it was added, and how uncertain that is where what remains is independent roundings. It is the
mistake if α is 1 to within σ, at every random point, if what remains is no more than roundings are, and if no
other mistake leaves nearly as little.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.diagnosis.random_draws import Candidate, Draw
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.tolerance.rounding.exact_run import widened_inputs

HALF = (torch.bfloat16, torch.float16)
TINY = torch.finfo(torch.float64).tiny
DEVIATIONS = 4.0
UNCERTAIN = 0.05
"""A part that is known no better tells two mistakes of one direction apart no more."""
ROUNDINGS = 2.0
"""What remains is at most so many u of the gradient, in the root of the mean square: a right one has 0.43."""


class Along(NamedTuple):
    """How much of a mistake was made at one point, how uncertain that is, and the squares of what remains."""

    part: float
    deviation: float
    rest: float


class Projected(NamedTuple):
    """A kind of mistake, where it was made, and what was found at each point."""

    kind: str
    where: str
    found: tuple[Along, ...]

    def further(self, other: "Projected", numbers: int) -> float:
        """By how many variances of a rounding more it leaves than another."""
        pairs = zip(self.found, other.found, strict=True)
        return max((one.rest - least.rest) * numbers / max(least.rest, TINY) for one, least in pairs)


def projected(
    task: Task, name: str, drawn: Sequence[Draw], candidates: Iterable[tuple[str, str, Candidate]]
) -> Projected | None:
    """The one mistake in whose direction the error lies at every draw; None where there is none, or several.

    Shapes: what was returned at the draws is in 16 bits
    Errors: whatever the reference raises
    """
    draws = [_widened(task, draw) for draw in drawn]
    fitting = [
        Projected(kind, where, found)
        for kind, where, candidate in candidates
        if (found := tuple(_along_all(candidate, draws, name)))
    ]
    if not fitting:
        return None
    best = min(fitting, key=lambda one: sum(each.rest for each in one.found))
    numbers = draws[0].manual[name].numel()
    near = [one for one in fitting if one.further(best, numbers) < DEVIATIONS**2]
    # The same numbers by another name are no other mistake: the first of them is the most specific.
    return near[0] if all(one.further(best, numbers) < 1e-6 for one in near) else None


def _widened(task: Task, draw: Draw) -> Draw:
    """The same point in float64, what was returned there, and exactly what should have been."""
    point = widened_inputs(dict(draw.point))
    shapes = {key: tuple(value.shape) for key, value in draw.reference.items()}
    return draw._replace(
        point=point,
        before=widened_inputs(dict(draw.before)),
        origin=widened_inputs(dict(draw.origin)),
        reference=reference_gradients(task.objective, point, shapes, draw.cuts),
        remembered={},
        spent=[],
        recorded=[],
    )


def _along_all(candidate: Candidate, draws: Sequence[Draw], name: str) -> Iterator[Along]:
    """What is found at each of the draws; nothing where it is not this mistake at one of them."""
    every = []
    for draw in draws:
        try:
            made = candidate(draw)
        except UserCodeError:
            return
        manual, right = draw.manual[name], draw.reference[name]
        if made is None or made.shape != right.shape or manual.shape != right.shape:
            return
        unit = torch.finfo(manual.dtype).eps / 2
        found = _along(made.double() - right, manual.double() - right, unit * right)
        if found is None:
            return
        every.append(found)
    yield from every


def _along(mistake: Tensor, error: Tensor, rounding: Tensor) -> Along | None:
    size = mistake.square().sum()
    if not size > 0 or not size.isfinite():
        return None
    part = float((error * mistake).sum() / size)
    rest = (error - part * mistake).square().sum()
    deviation = float((rest / (mistake.numel() * size)).sqrt())
    is_all = deviation < UNCERTAIN and abs(part - 1) <= DEVIATIONS * deviation
    is_rounding = bool(rest <= (ROUNDINGS * rounding).square().sum())
    return Along(part, deviation, float(rest)) if is_all and is_rounding else None
