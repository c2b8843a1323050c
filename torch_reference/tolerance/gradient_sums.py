"""Sums of a gradient: independent roundings average out in them, and mistakes do not.

A mean term that is dropped from a layer norm is half a rounding of each element in 16 bits, and a hundred
times the noise in the sum of a row. So each gradient is judged by its sums, too: over each of its dimensions,
over all of it, and along the reference itself (a factor of 1.01 in all elements is off by 0.01 of its norm).
"""

import cmath
import math
from collections.abc import Iterator, Mapping
from functools import cached_property

import torch
from torch import Tensor

from torch_reference.tolerance.differences import adds_up, difference, plain_difference
from torch_reference.tolerance.rounding.roundings import HALF

ALL, ALONG = "sum of all", "product with the reference"
FIRST = "sum over dimension 0"
OVER_ROWS = (ALL, ALONG, FIRST)
"""The sums that go over all rows."""
MODERATE = (2.0**-60, 2.0**60)
"""Numbers whose products neither overflow nor vanish, so that they need not be scaled before."""


def sums(
    values: Tensor, expected: Tensor, largest: float | None = None, known: Mapping[int, Tensor] | None = None
) -> Iterator[tuple[str, Tensor]]:
    """The sums of a tensor, by what they are: linear in it, so that the sums of a difference are differences.

    Shapes: values and expected alike; each sum has the shape that is left; largest is expected's largest
            absolute value, where that is known, and known the sums over some dimensions
    """
    if values.numel() < 2:
        return
    total, known = None, known or {}
    if values.ndim > 1:
        for dim, size in enumerate(values.shape):
            if size > 1:
                total = known[dim] if dim in known else values.sum(dim)
                yield f"sum over dimension {dim}", total
    yield ALL, values.sum() if total is None else total.sum()
    largest = largest_of(expected) if largest is None else largest
    if 0 < largest < math.inf:
        yield ALONG, _along(values, expected, largest)


def largest_of(expected: Tensor) -> float:
    """The largest absolute value, in one pass over real numbers and without a copy of them."""
    if expected.is_complex():
        return float(expected.abs().amax())
    least, most = torch.aminmax(expected)
    return max(-float(least), float(most))


def _along(values: Tensor, expected: Tensor, largest: float) -> Tensor:
    """The product with the reference, scaled to a largest element of 1."""
    if values.dtype == expected.dtype == torch.float64 and MODERATE[0] < largest < MODERATE[1]:
        found = torch.dot(values.reshape(-1), expected.reshape(-1)) / largest
        if math.isfinite(float(found)):
            return found
    return (values * (expected / largest).conj()).sum()


def apart(value: Tensor, expected: Tensor, largest: float) -> tuple[Tensor, dict[str, Tensor]]:
    """(how far a value is from what is expected, the sums of that), which tell whether all are numbers."""
    off = plain_difference(value, expected)
    totals = dict(sums(off, expected, largest))
    if ALL in totals and math.isfinite(totals[ALL].item()):
        return off, totals
    off = difference(value, expected)
    return off, dict(sums(off, expected, largest))


class ExpectedSums:
    """The sums of the expected values themselves, each reckoned once, when it is asked for."""

    def __init__(self, expected: Tensor) -> None:
        """Nothing is reckoned yet."""
        self.expected, self._rounded = expected, dict[torch.dtype, dict[str, Tensor]]()

    def sums(self, values: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The sums of what stands beside the expected values."""
        return sums(values, self.expected, self.largest)

    def apart(self, value: Tensor) -> tuple[Tensor, dict[str, Tensor], bool]:
        """(how far a value is from the expected one, the sums of that, whether all are numbers)."""
        off = plain_difference(value, self.expected)
        totals = dict(self.sums(off))
        total = totals.get(ALL, off.sum() if off.numel() else None)
        if total is None or cmath.isfinite(total.item()):  # as it is where all are
            return off, totals, True
        off = torch.where(value == self.expected, 0.0, off)
        return off, dict(self.sums(off)), False

    @cached_property
    def largest(self) -> float | None:
        """The largest absolute value; None where there are no sums."""
        return largest_of(self.expected) if self.expected.numel() > 1 else None

    def rounded_once(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """How far off each sum is where every value is rounded to 16 bits once, as it is in what is right.

        Numbers of 16 bits from which nearly the same is taken, as a row's share of its sum is, lie alike
        between two others, and are rounded to the same side: such roundings do not average out.
        """
        if dtype not in HALF or self.expected.is_complex():
            return {}
        if dtype not in self._rounded:
            off = self.expected.to(dtype).to(self.expected.dtype).sub_(self.expected)
            off = off if adds_up(off) else torch.where(off.isfinite(), off, 0.0)
            self._rounded[dtype] = {which: total.abs() for which, total in self.sums(off)}
        return self._rounded[dtype]

    @cached_property
    def totals(self) -> dict[str, Tensor]:
        """How large each sum is."""
        return {which: total.abs() for which, total in self.sums(self.expected)}

    @cached_property
    def roots(self) -> dict[str, Tensor]:
        """The root of the sum of the squares of what each sum adds up."""
        squares, largest = self.squares, self.largest and self.largest * self.largest
        return {which: total.abs().sqrt() for which, total in sums(squares, squares, largest)}

    def root(self, which: str) -> Tensor:
        """One of them, where no other is wanted."""
        if which == ALONG:
            return self.roots[which]
        of = () if which == ALL else dimension(which)
        return self.squares.sum(of).sqrt()

    @cached_property
    def squares(self) -> Tensor:
        """Of each value."""
        size = self.expected.abs() if self.expected.is_complex() else self.expected
        return size * size

    @cached_property
    def size(self) -> float:
        """The sum of all values without their signs."""
        return float(self.expected.abs().sum())


def dimension(which: str) -> int:
    """Over which dimension a sum is."""
    return int(which.rsplit(" ", 1)[1])


def direction(which: str, index: tuple[int, ...], expected: Tensor) -> Tensor:
    """The direction in which one sum is the directional derivative.

    Shapes: that of expected
    """
    if which == ALL:
        return torch.ones_like(expected)
    if which == ALONG:
        return expected / expected.abs().amax()
    dim = dimension(which)
    found = torch.zeros_like(expected)
    found.movedim(dim, -1)[index] = 1
    return found


def looks_random(difference: Tensor, expected: Tensor) -> bool:
    """Whether a difference adds up as independent roundings do, and not as a factor or a constant does.

    The sum of independent numbers around zero is within six times the root of their squares' sum.
    """
    if difference.numel() < 16:
        return True
    return all(
        bool(total.abs() <= 6 * squares.abs().sqrt())
        for (which, total), (_, squares) in zip(
            sums(difference, expected), sums(difference.abs().square(), expected.abs().square()), strict=True
        )
        if which in (ALL, ALONG)
    )
