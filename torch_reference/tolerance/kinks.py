"""Kinks and ties: where the derivative has several sides, any mixture of them is right.

ReLU's slope at 0 is anything from 0 to 1, and the gradient of a maximum may be split in any way among those
that are equal. The sides are found by moving what is differentiated a little, to and fro, and by looking
which decisions of the reference turn; then the reference is run at the very point with these held. The
hull of the sides is judged like a number: element by element, and sum by sum. A sum that is the same on all
sides (of the split of a maximum: the whole) must be it; else a sum may lie between the sums of the elements'
own ends, as many kinks are independent of each other.
"""

import contextlib
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.tolerance.differences import adds_up
from torch_reference.tolerance.gradient_sums import ALONG, sums
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.decisions import FREE, Decisions
from torch_reference.tolerance.rounding.moved_run import MovedRun, unit

PAIRS = 8
TURNING = 8.0
"""The roundings by which decisions move: one that is within a rounding turns in a run with a probability of
0.45, and so in none of 16 with one of 7e-5."""
MIXTURES, FEW = 64, 4096
"""Decisions behind each other are mixed so often, where there are no more numbers than these: in a precision
in which two numbers are equal, which the exact run takes for different, each of them may fall otherwise."""
NEXT_TO_ZERO = 2.0**-100
DRAWS_ON_EACH_SIDE = 4


class Hull(NamedTuple):
    """The least and the largest value on any side of the kinks, and the bound there."""

    lower: Tensor
    upper: Tensor
    bound: Tensor

    def nearest(self, value: Tensor) -> Tensor:
        """The right value that is nearest to the given one.

        Shapes: those of the hull
        """
        if value.is_complex():
            return torch.zeros_like(value)
        return torch.minimum(torch.maximum(value, self.lower), self.upper)


def sides(movement: Movement) -> list[Movement]:
    """The reference where decisions within a rounding fall otherwise; none where none does."""
    seen, turned = [movement.decisions], list(_turned(movement) if movement.decisions else ())
    few = sum(value.numel() for value in movement.inputs.values()) <= FEW
    for decisions in (*(tuple(one.made) for one in turned), *(_mixed(seen[0], turned) if few else ())):
        if not any(_same(decisions, other) for other in seen):
            seen.append(decisions)
    return [side for decisions in seen[1:] for side in _side(movement, decisions)]


def _side(movement: Movement, decisions: tuple[Any, ...]) -> list[Movement]:
    """The reference with these decisions; none where they do not go together, as no largest element does."""
    with _discarded():
        side = Movement(movement.reference, movement.inputs, held=decisions)
        if not any(
            adds_up(value) and not adds_up(side.expected[name]) for name, value in movement.expected.items()
        ):
            return [side]
    return []


@contextlib.contextmanager
def _discarded() -> Iterator[None]:
    """A run that raises an error, as where an index turns to one that is not there, is none."""
    try:
        yield
    except Exception as error:
        if hasattr(type(error), "ends_the_check"):
            raise


def hulls(movement: Movement, others: list[Movement], name: str) -> tuple[Hull, dict[str, Hull]]:
    """The hull of each element of a gradient, and of each of its sums' differences from what is expected."""
    every = [movement, *others]
    for side in others[: 2 * PAIRS]:  # rounding moves the mixtures as it moves these
        side.at_least(DRAWS_ON_EACH_SIDE)
    values = torch.stack([side.expected[name] for side in every])
    bound = torch.stack([side.bound(name) for side in every]).amax(0)
    elements = Hull(values.amin(0), values.amax(0), bound)
    expected = movement.expected[name]
    bounds = [side.sum_bounds(name) for side in every]
    found = {}
    for which, limit in movement.sum_bounds(name).items():
        totals = torch.stack([dict(sums(value - expected, expected))[which] for value in values])
        limit = torch.stack([one.get(which, limit) for one in bounds]).amax(0)
        lower, upper = totals.amin(0), totals.amax(0)
        least, most = _ends(elements, expected, which)
        varies = upper - lower > limit
        found[which] = Hull(torch.where(varies, least, lower), torch.where(varies, most, upper), limit)
    return elements, found


def _ends(elements: Hull, expected: Tensor, which: str) -> tuple[Tensor, Tensor]:
    """The sums of the elements' own ends, as differences from what is expected."""
    lower, upper = elements.lower - expected, elements.upper - expected
    if which == ALONG:
        lower, upper = torch.where(expected >= 0, lower, upper), torch.where(expected >= 0, upper, lower)
    return dict(sums(lower, expected))[which], dict(sums(upper, expected))[which]


def _turned(movement: Movement) -> Iterator[Decisions]:
    """The decisions of moved runs; and first those of its own precision, in which more is equal."""
    with _discarded():  # an operation that its dtype does not have
        run = MovedRun(0, spread=0.0)
        run.decisions.are_all = True
        with run:
            movement.reference(movement.inputs)
        yield run.decisions
    for seed in range(PAIRS):
        for sign in (1.0, -1.0):
            run = MovedRun(seed, coarsest=movement.coarsest, spread=TURNING * sign)
            run.decisions.are_all = True
            inputs = {
                name: _aside(value, seed, sign * TURNING * unit(movement.coarsest))
                if name in movement.expected
                else value
                for name, value in movement.exact_inputs.items()
            }
            with _discarded():
                with run:
                    movement.reference(inputs)
                yield run.decisions


def _mixed(own: tuple[Any, ...], turned: list[Decisions]) -> Iterator[tuple[Any, ...]]:
    """One decision as in one run, the next as in another, and what follows from them as it then does."""
    follow = turned[0].follow if turned else []
    alike = [own, *(one.made for one in turned if one.follow == follow)]
    if len(own) != len(follow):
        return
    several = [
        number
        for number, follows in enumerate(follow)
        if not follows and any(not _same((one[number],), (own[number],)) for one in alike)
    ]
    draws = random.Random(0)
    for _ in range(MIXTURES if len(several) > 1 else 0):
        yield tuple(FREE if follows else draws.choice(alike)[number] for number, follows in enumerate(follow))


def _aside(value: Tensor, seed: int, relative: float) -> Tensor:
    """The value a little to one side; a zero, which is no number of roundings from anything, too."""
    if not value.is_floating_point():
        return value
    generator = torch.Generator(value.device).manual_seed(seed)
    number = torch.empty_like(value).normal_(generator=generator)
    step = torch.where(value == 0, NEXT_TO_ZERO if relative > 0 else -NEXT_TO_ZERO, value * relative)
    return value + step * number


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b
        for a, b in zip(one, other, strict=True)
    )
