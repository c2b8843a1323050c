"""A failing point made small: as few rows, non-zero numbers and digits as could be had."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from torch_reference.counterexample.literals import laid_out
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import Tensors

Check = Callable[[Tensors], Report]
Step = Callable[[Tensors], Tensors]
Steps = Callable[[Tensors], Iterator[Step]]
Dimension = tuple[str, int]
"""The name of a tensor, and one of its dimensions."""

TRIES = 150
"""How many smaller points are tried at most: some seconds for a small network."""
MOST_ELEMENTS = 64
"""In a tensor of more elements no single one is tried."""


def smallest(point: Tensors, check: Check, steps: Steps) -> Tensors:
    """A point that fails at the same name with the same verdict, in the same way, with little in it.

    Shapes: those that the steps leave
    Errors: ValueError for a point that does not fail
    """
    failure = _failure(check(point))
    if failure is None:
        raise ValueError("it agrees here: there is no counterexample")
    tries, smaller = 0, True
    while smaller and tries < TRIES:
        smaller = False
        for step in steps(point):
            try:
                candidate = step(point)
                if _weight(candidate) >= _weight(point):
                    continue
                tries += 1
                fails = _failure(check(candidate)) == failure
            except Exception:  # what is checked is the user's: a smaller point may be none that it takes
                fails = False
            if fails:
                point, smaller = candidate, True
    return point


def _failure(report: Report) -> tuple[str, str, str] | None:
    first = report.first_wrong
    return None if first is None else (first.name, first.row.verdict, report.note)


def shorter(dimensions: Sequence[Dimension]) -> Iterator[Step]:
    """Ways to make dimensions of one size shorter together, the boldest first; none becomes empty."""
    for kept in (_first_half, _second_half, _without_last):
        yield partial(_kept, dimensions, kept)


def simpler(point: Tensors) -> Iterator[Step]:
    """Ways to make the numbers of a point simpler: whole tensors, then single elements."""
    for name, value in point.items():
        if not value.is_contiguous():
            yield partial(_contiguous, name)
        if not value.is_floating_point():
            yield partial(_replaced, name, torch.zeros_like)
            continue
        for simple in (torch.zeros_like, torch.ones_like, torch.round):
            yield partial(_replaced, name, simple)
        if value.numel() <= MOST_ELEMENTS:
            for index in range(value.numel()):
                yield partial(_replaced, name, partial(_without, index))


def _first_half(size: int) -> slice:
    return slice(0, size // 2)


def _second_half(size: int) -> slice:
    return slice(size // 2, size)


def _without_last(size: int) -> slice:
    return slice(0, size - 1)


def _kept(dimensions: Sequence[Dimension], kept: Callable[[int], slice], point: Tensors) -> Tensors:
    found = dict(point)
    for name, dimension in dimensions:
        size = found[name].shape[dimension]
        if size > 1:
            found[name] = found[name][(slice(None),) * dimension + (kept(size),)]
    return found


def _contiguous(name: str, point: Tensors) -> Tensors:
    return {**point, name: point[name].contiguous()}


def _replaced(name: str, simple: Callable[[Tensor], Tensor], point: Tensors) -> Tensors:
    """The strides stay: a backward may be wrong for them alone."""
    return {**point, name: laid_out(simple(point[name]), point[name])}


def _without(index: int, value: Tensor) -> Tensor:
    keep = torch.arange(value.numel(), device=value.device) != index
    return torch.where(keep.reshape(value.shape), value, 0)


def _weight(point: Tensors) -> int:
    """How much there is to read: the characters of all numbers, of which a zero has the fewest."""
    numbers = [number for value in point.values() for number in value.flatten().tolist()]
    strided = sum(not value.is_contiguous() for value in point.values())
    return sum(len(repr(number)) + bool(number) for number in numbers) + strided
