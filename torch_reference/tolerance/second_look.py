"""What is looked at again before anything is refused: equal values, subnormal ones, movements that hide.

Few draws settle almost everything. Three things that they cannot tell are rare, and are made sure of only
where something would be refused: that equal elements may all be off alike (equal_values.py), that a kernel
may have no subnormal numbers, and that a result that cancels to nothing, on the grid of its dtype, may stay
where it is in some draws, whatever moved its terms.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_reference.comparison import Row
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.equal_values import RoundingsOfValues, is_often_equal
from torch_reference.tolerance.rounding.exact_run import all_wide, wide_results
from torch_reference.tolerance.rounding.local_sums import sizes_of_terms_and_result
from torch_reference.tolerance.rounding.moved_run import MovedRun, Sizes
from torch_reference.tolerance.rounding.operations import Operation, operation
from torch_reference.tolerance.rounding.roundings import SPREAD, Roundings, smallest, unit

DRAWS_OF_VALUES = 16
FURTHEST = 64.0
"""Bounds away, times the root of the number of elements: no equal values explain more."""
COARSE = 2.0**-30
"""A rounding that no grid of float64 hides."""
COARSE_DRAWS = 4
DRAWS_OF_TERMS = 4


class CoarseRun(MovedRun):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Move each result by some 2⁻³⁰ of itself, in float64 whatever dtypes the code names.

    What moves is in proportion to what roundings move, and tells how large the terms are that cancel.
    """

    def __init__(
        self,
        seed: int,
        held: tuple[Any, ...] | None = None,
        backward_only: bool = False,
        of_terms: bool = False,
        sizes: Sizes | None = None,
    ) -> None:
        """Keep to the decisions `held`; of terms, what a sum loses on its way is none of how large it is."""
        super().__init__(seed, held, sizes, spread=COARSE / unit(torch.float64), backward_only=backward_only)
        self.of_terms = of_terms

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation as the exact run does, and move its results."""
        kind = operation(func)
        args, kwargs = all_wide(kind, args, kwargs or {})
        return wide_results(kind, super().__torch_dispatch__(func, types, args, kwargs))

    def _unit(self, dtype: torch.dtype) -> float:
        return unit(torch.float64)

    def _sizes(
        self, func: Any, kind: Operation, args: Any, kwargs: dict[str, Any], results: list[Any], few: float
    ) -> list[Tensor | None]:
        if self.of_terms:
            return sizes_of_terms_and_result(func, kind.name, args, kwargs, results)
        return super()._sizes(func, kind, args, kwargs, results, few)


class Constants(Roundings):
    """Roundings of constants: all elements of a result move together."""

    def move(self, result: Tensor, unit: float) -> None:
        """Move them, in place, in proportion to themselves."""
        self.move_together(result, unit)

    def add(self, result: Tensor, size: Tensor, unit: float) -> None:
        """What is rounded term by term is no constant."""


class Flushed(Roundings):
    """Roundings where what is below the smallest number is half of itself: a bound is twice the movement."""

    def __init__(self, smallest: float, seed: int) -> None:
        """Zero itself would be divided by."""
        super().__init__(seed)
        self.smallest = smallest

    def move(self, result: Tensor, unit: float) -> None:
        """Move each element, in place, by its own rounding, or by a half."""
        super().move(result, unit)
        if result.layout == torch.strided and not result.is_complex():
            result.mul_(torch.where(result.abs() < self.smallest, 0.5, 1.0))


def take_equal_values(movement: Movement, row: Row) -> bool:
    """Let equal values round alike, in some more draws; whether anything has changed for what differs.

    In a sum of n terms such roundings are √n times the others.
    """
    if row.ratio is not None and row.ratio > FURTHEST * max(row.elements, 1) ** 0.5:
        return False
    if RoundingsOfValues in movement.looked_for or not any(map(is_often_equal, movement.inputs.values())):
        return False
    return _look_for(RoundingsOfValues, movement, RoundingsOfValues, DRAWS_OF_VALUES)


def take_flushed(movement: Movement, row: Row) -> bool:
    """Let subnormal numbers be zero on the way, in one draw; whether anything has changed for what differs.

    XLA flushes them on a processor, and CUDA's fast exponentials on a GPU: x sigmoid(x) is 0 at x = -88. What
    is off at most of its elements is something else.
    """
    if Flushed in movement.looked_for or row.wrong_elements * 2 > row.elements:
        return False
    return _look_for(Flushed, movement, partial(Flushed, smallest(movement.coarsest)), 1)


def _look_for(
    kind: type[Roundings], movement: Movement, made: Callable[[int], Roundings], draws: int
) -> bool:
    movement.looked_for.add(kind)
    movement.kind = made
    for seed in range(draws):
        movement.draw(seed)
    movement.kind = Roundings
    return True


def coarse_movements(
    movement: Movement, draws: int = COARSE_DRAWS
) -> tuple[dict[str, Tensor], dict[str, dict[str, Tensor]]]:
    """How far the elements, and the sums, move by so many coarse roundings or more, scaled to the dtype's.

    In float64 a rounding of 2⁻⁵³ of a term moves it by a step or two of its grid, and the difference of two
    such terms stays the same by chance in one draw of three. One of 2⁻³⁰ moves it by millions of steps.
    """
    scale = SPREAD * unit(movement.coarsest) / COARSE
    for seed in range(movement.coarse_draws, draws):
        with CoarseRun(seed, movement.decisions, sizes=movement.coarse_sizes):
            found = movement.reference(movement.exact_inputs)
        known, totals = movement.coarse
        for name, value in found.items():
            moved = (value - movement.expected[name]) * scale
            for which, total in sums(moved, movement.expected[name]):
                of_name = totals.setdefault(name, {})
                of_name[which] = torch.maximum(total.abs(), of_name.get(which, total.abs()))
            moved = moved.abs()
            known[name] = torch.maximum(moved, known[name]) if name in known else moved
        movement.coarse_draws = seed + 1
    return movement.coarse


def sizes_of_terms(
    movement: Movement, name: str, of_constants: bool = False, of_outputs: bool = False
) -> Tensor:
    """How large the terms are that the backward pass adds up to each element, whatever cancels there.

    It is how far the element moves when the results of the backward pass alone move by a part of 2⁻³⁰: each
    element of each result, and each term of a sum, by itself; or, of constants, each result as a whole. Of
    outputs there is no such pass: all results move.
    """
    kind = Constants if of_constants else Roundings
    if (kind, of_outputs) not in movement.terms:  # of all names at once: each draw is a run of all of it
        squares = {each: torch.zeros_like(moved) for each, moved in movement.moved.items()}
        for seed in range(DRAWS_OF_TERMS):
            run = CoarseRun(seed, movement.decisions, backward_only=not of_outputs, of_terms=True)
            run.roundings = kind(seed, run.roundings.spread)
            with run:
                found = movement.reference(movement.exact_inputs)
            for each, value in found.items():
                squares[each] += difference(value, movement.expected[each]).abs().square()
        sizes = {each: (of / DRAWS_OF_TERMS).sqrt() / COARSE for each, of in squares.items()}
        movement.terms[kind, of_outputs] = sizes
    return movement.terms[kind, of_outputs][name]
