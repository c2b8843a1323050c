"""Sums of a gradient: independent roundings average out in them, and mistakes do not.

A mean term that is dropped from a layer norm is half a rounding of each element in 16 bits, and a hundred
times the noise in the sum of a row. So each gradient is judged by its sums, too: over each of its dimensions,
over all of it, and along the reference itself (a factor of 1.01 in all elements is off by 0.01 of its norm).
"""

from collections.abc import Iterator

import torch
from torch import Tensor

ALL, ALONG = "sum of all", "product with the reference"
MODERATE = (2.0**-60, 2.0**60)
"""Numbers whose products neither overflow nor vanish, so that they need not be scaled before."""


def sums(values: Tensor, expected: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The sums of a tensor, by what they are: linear in it, so that the sums of a difference are differences.

    Shapes: values and expected alike; each sum has the shape that is left
    """
    if values.numel() < 2:
        return
    total = None
    if values.ndim > 1:
        for dim, size in enumerate(values.shape):
            if size > 1:
                total = values.sum(dim)
                yield f"sum over dimension {dim}", total
    yield ALL, values.sum() if total is None else total.sum()
    largest = expected.abs().amax() if expected.is_complex() else _largest(expected)
    if largest > 0 and largest.isfinite():
        yield ALONG, _along(values, expected, largest)


def _largest(expected: Tensor) -> Tensor:
    """The largest absolute value, in one pass over the numbers and without a copy of them."""
    least, most = torch.aminmax(expected)
    return torch.maximum(-least, most)


def _along(values: Tensor, expected: Tensor, largest: Tensor) -> Tensor:
    """The product with the reference, scaled to a largest element of 1."""
    if values.dtype == expected.dtype == torch.float64 and MODERATE[0] < float(largest) < MODERATE[1]:
        found = torch.dot(values.reshape(-1), expected.reshape(-1)) / largest
        if found.isfinite():
            return found
    return (values * (expected / largest).conj()).sum()


def direction(which: str, index: tuple[int, ...], expected: Tensor) -> Tensor:
    """The direction in which one sum is the directional derivative.

    Shapes: that of expected
    """
    if which == ALL:
        return torch.ones_like(expected)
    if which == ALONG:
        return expected / expected.abs().amax()
    dim = int(which.rsplit(" ", 1)[1])
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
