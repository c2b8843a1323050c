"""The sides of the kinks at a point.

What is differentiated is moved a little, to and fro; which decisions of the reference turn then is seen, and
the reference is run at the very point with these held. What an operation decides within itself is not seen:
its sides are found beside the point.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from itertools import chain, zip_longest
from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.differences import adds_up
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.kinks.beside import (
    FEW,
    NEXT_TO_ZERO,
    Side,
    all_beside,
    beside,
    discarded,
    first_beside,
    some_beside,
)
from torch_reference.tolerance.kinks.mixtures import mixed, same
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.decisions import Decisions
from torch_reference.tolerance.rounding.exact_run import exactly
from torch_reference.tolerance.rounding.moved_run import MovedRun
from torch_reference.tolerance.rounding.roundings import unit

PAIRS = 8
TURNING = 8.0
"""The roundings by which decisions move: one that is within a rounding turns in a run with a probability of
0.45, and so in none of 16 with one of 7e-5."""
FAR, FAR_PAIRS = 64.0, 3
"""By so many one that is within a rounding turns in a run, or in the one that moves all the other way, but
for moves of less than one in 64, and so in none of three such pairs with a probability of 2e-6."""
APART = 2**16
"""From the seeds of what is evaluated beside the point: sides of the same choices tell no more than one."""
DRAWS = 2
"""The fewest, so that what is no more than rounding is known."""


class Sides:
    """The sides of a movement's kinks, looked for when they are asked for: a few of them, and all."""

    def __init__(self, movement: Movement, is_smooth: bool = False) -> None:
        """Nothing is looked for yet; of what is smooth nothing ever."""
        self.movement, self.is_smooth = movement, is_smooth

    @cached_property
    def exactly(self) -> "Sides":
        """Those at the same point as float64 has it, whatever dtypes the reference names itself.

        A jump would not be seen beside what a conversion of its own rounds.
        """
        here = Movement(partial(exactly, self.movement.reference), self.movement.exact_inputs)
        here.upstream = self.movement.upstream
        return Sides(here)

    @cached_property
    def _first_inside(self) -> list[Side]:
        self.movement.at_least(DRAWS)
        return first_beside(self.movement)

    @cached_property
    def _some_inside(self) -> list[Side]:
        return some_beside(self.movement, self._first_inside)

    @cached_property
    def first(self) -> list[Side]:
        """What turns by itself is on both sides in these: what lies between them, lies between all."""
        return [] if self.is_smooth else [*first_held(self.movement), *self._first_inside]

    def few(self) -> Iterator[list[Side]]:
        """The first, and more: of many ties some turn in no pair, and some sums stay by chance."""
        if self.first:
            yield self.first
            if self._first_inside:
                yield [*self.first, *self._some_inside[len(self._first_inside) :]]

    @cached_property
    def every(self) -> list[Side]:
        """All that are looked for."""
        return [] if self.is_smooth else sides(self.movement, self._some_inside)


def sides(movement: Movement, some_inside: list[Side] | None = None) -> list[Side]:
    """The reference where what is decided within a rounding falls otherwise; none where nothing does."""
    movement.at_least(DRAWS)
    turned = list(_turned(movement) if movement.decisions else ())
    held = _held(movement, (tuple(one.made) for one in turned), [movement.decisions])
    inside = beside(movement) if some_inside is None else all_beside(movement, some_inside)
    few = sum(value.numel() for value in movement.inputs.values()) <= FEW
    seen = [movement.decisions, *(side.movement.decisions for side in held)]
    mixtures = _held(movement, mixed(movement.decisions, turned) if few else (), seen)
    # Of an order, mixed place by place, some number may come twice: then a sum varies that must not.
    bounds = _unvarying(movement, [*held, *inside]) if mixtures else {}
    together = [
        side
        for side in mixtures
        if all(
            bool((total <= limits[which]).all())
            for name, limits in bounds.items()
            for which, total in _changes(movement, side, name)
        )
    ]
    first = chain.from_iterable(zip_longest(held[:PAIRS], inside[:PAIRS]))  # as those are measured (hulls.py)
    return [*filter(None, first), *held[PAIRS:], *inside[PAIRS:], *together]


def first_held(movement: Movement) -> list[Side]:
    """A pair of these: each decision that turns by itself is made either way in one of them."""
    pair = list(_moved(movement, TURNING, 1) if movement.decisions else ())
    return _held(movement, (tuple(one.made) for one in pair if one is not None), [movement.decisions])


def _held(movement: Movement, every: Iterable[tuple[Any, ...]], seen: list[tuple[Any, ...]]) -> list[Side]:
    """The reference with each of these decisions that was not seen before."""
    found = []
    for decisions in every:
        if not any(same(decisions, other) for other in seen):
            seen.append(decisions)
            found += _side(movement, decisions)
    return found


def _unvarying(movement: Movement, others: list[Side]) -> dict[str, dict[str, Tensor]]:
    """For each gradient, and each of its sums, its bound where it is the same on all sides, else infinity."""
    bounds = {name: movement.sum_bounds(name) for name in movement.expected}
    for side in others:
        for name, limits in bounds.items():
            for which, total in _changes(movement, side, name):
                limits[which] = torch.where(total > limits[which], torch.inf, limits[which])
    return bounds


def _changes(movement: Movement, side: Side, name: str) -> Iterator[tuple[str, Tensor]]:
    expected = movement.expected[name]
    for which, total in sums(side.movement.expected[name] - expected, expected):
        yield which, total.abs()


def _side(movement: Movement, decisions: tuple[Any, ...]) -> list[Side]:
    """The reference with these decisions; none where they do not go together, as no largest element does."""
    with discarded():
        side = Movement(movement.reference, movement.inputs, held=decisions)
        if not any(
            adds_up(value) and not adds_up(side.expected[name]) for name, value in movement.expected.items()
        ):
            return [Side(side)]
    return []


def _turned(movement: Movement) -> Iterator[Decisions]:
    """The decisions of moved runs; and first those of its own precision, in which more is equal.

    Where none turns that is moved far, none is moved by less.
    """
    with discarded():  # an operation that its dtype does not have
        run = MovedRun(0, spread=0.0)
        with run:
            movement.reference(movement.inputs)
        yield run.decisions
    far = _moved(movement, FAR, FAR_PAIRS)
    if any(run is None or not same(tuple(run.made), movement.decisions) for run in far):
        yield from filter(None, _moved(movement, TURNING, PAIRS))


def _moved(movement: Movement, spread: float, pairs: int) -> Iterator[Decisions | None]:
    """What each of two runs that are moved to opposite sides decides; None for one that raises an error."""
    for seed in range(pairs):
        for sign in (1.0, -1.0):
            run = MovedRun(seed, coarsest=movement.coarsest, spread=spread * sign)
            inputs = {
                name: _aside(value, seed, sign * spread * unit(movement.coarsest))
                if name in movement.expected
                else value
                for name, value in movement.exact_inputs.items()
            }
            is_made = False
            with discarded():
                with run:
                    movement.reference(inputs)
                is_made = True
            yield run.decisions if is_made else None


def _aside(value: Tensor, seed: int, relative: float) -> Tensor:
    """The value a little to one side; a zero, which is no number of roundings from anything, too."""
    if not value.is_floating_point():
        return value
    generator = torch.Generator(value.device).manual_seed(APART + seed)
    number = torch.empty_like(value).normal_(generator=generator)
    step = torch.where(value == 0, NEXT_TO_ZERO if relative > 0 else -NEXT_TO_ZERO, value * relative)
    return value + step * number
