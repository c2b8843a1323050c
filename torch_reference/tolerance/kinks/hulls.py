"""Between the sides of the kinks: the least and the largest that each element and each sum may be.

A sum that is the same on all sides (of the split of a maximum: the whole) must be it; else a sum may lie
between the sums of the elements' own ends, as many kinks are independent of each other. Of many that are,
sides differ by the root of how many: what that is beside the roundings of all elements proves nothing.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.tolerance.gradient_sums import ALONG, sums
from torch_reference.tolerance.kinks.beside import NUMBERS, Side
from torch_reference.tolerance.movement import Movement

MEASURED, AT_LEAST, DRAWS_ON_EACH_SIDE = 16, 2, 4
"""On so many sides the movements are measured, on fewer where the inputs of all of them are many: rounding
moves the others as it moves these."""
INDEPENDENT = 2.0**-3
"""So many roots of its elements' squares a sum varies by, where these turn by themselves: on the two sides of
a pair it is apart by a normal number of them, in all pairs by no less than this with a small probability."""


class Hull(NamedTuple):
    """The least and the largest value on any side of the kinks, and the bound there.

    On how many sides they are reached tells whether others may reach further.
    """

    lower: Tensor
    upper: Tensor
    bound: Tensor
    reaching: tuple[Tensor, Tensor] | None = None

    def nearest(self, value: Tensor) -> Tensor:
        """The right value that is nearest to the given one.

        Shapes: those of the hull
        """
        if value.is_complex():
            return torch.zeros_like(value)
        return torch.minimum(torch.maximum(value, self.lower), self.upper)

    def reaches(self, value: Tensor) -> bool:
        """Whether each number lies within.

        Shapes: that of the hull
        """
        return bool(((value - self.nearest(value)).abs() <= self.bound).all())

    def opened(self) -> "Hull":
        """The hull where it is known that others may reach further."""
        nowhere = torch.zeros_like(self.lower, dtype=torch.int64)
        return self._replace(reaching=(nowhere, nowhere))

    def is_open(self, value: Tensor) -> bool:
        """Whether what is outside lies beyond ends that are reached on one side alone, of many sides.

        Shapes: that of the hull
        """
        if self.reaching is None:
            return False
        below, above = (value < self.lower - self.bound), (value > self.upper + self.bound)
        lower, upper = self.reaching
        return not bool((below & (lower > 1)).any() or (above & (upper > 1)).any())


def hulls(
    movement: Movement, others: list[Side], name: str, measured: int = MEASURED
) -> tuple[Hull, dict[str, Hull]]:
    """The hull of each element of a gradient, and of each of its sums' differences from what is expected."""
    elements, values = _of_elements(movement, others, name, measured)
    expected = movement.expected[name]
    bounds = [side.movement.sum_bounds(name) for side in others]
    widths = dict(sums((elements.upper - elements.lower).square(), expected.square()))
    found, apart = {}, [dict(sums(value - expected, expected)) for value in values]
    for which, limit in movement.sum_bounds(name).items():
        each = zip([Side(movement), *others], apart, strict=True)
        totals = torch.stack([side.jumping(off[which], limit) for side, off in each])
        limit = torch.stack([limit, *(one.get(which, limit) for one in bounds)]).amax(0)
        lower, upper = totals.amin(0), totals.amax(0)
        least, most = ends(elements, expected, which)
        root = widths[which].sqrt() if which in widths else torch.zeros_like(limit)
        least_change = torch.where(root > 0, torch.minimum(limit, INDEPENDENT * root), limit)
        varies = upper - lower > least_change
        found[which] = Hull(torch.where(varies, least, lower), torch.where(varies, most, upper), limit)
    return elements, found


def hull_of_elements(movement: Movement, others: list[Side], name: str, measured: int = MEASURED) -> Hull:
    """The hull of each element of a gradient, where none of its sums is wanted."""
    return _of_elements(movement, others, name, measured)[0]


def _of_elements(movement: Movement, others: list[Side], name: str, measured: int) -> tuple[Hull, Tensor]:
    size = sum(value.numel() for value in movement.inputs.values())
    for side in others[: max(AT_LEAST, min(measured, NUMBERS // max(size, 1)))]:
        side.movement.at_least(DRAWS_ON_EACH_SIDE)
    expected, own = movement.expected[name], movement.bound(name)
    values = torch.stack([expected, *(side.values(name, expected, own) for side in others)])
    lower, upper = values.amin(0), values.amax(0)
    # Beside the point all rounds as its coarsest dtype does, and so more than what has no side there may.
    held, inside = ([side for side in others if bool(side.least) == is_inside] for is_inside in (False, True))
    bound = torch.stack([own, *(side.movement.bound(name) for side in held)]).amax(0)
    if inside:
        there = torch.stack([bound, *(side.movement.bound(name) for side in inside)]).amax(0)
        bound = torch.where(lower < upper, there, bound)
    reaching = (values <= lower + bound).sum(0), (values >= upper - bound).sum(0)
    return Hull(lower, upper, bound, reaching), values


def ends(elements: Hull, expected: Tensor, which: str) -> tuple[Tensor, Tensor]:
    """The sums of the elements' own ends, as differences from what is expected."""
    lower, upper = elements.lower - expected, elements.upper - expected
    if which == ALONG:
        lower, upper = torch.where(expected >= 0, lower, upper), torch.where(expected >= 0, upper, lower)
    return dict(sums(lower, expected))[which], dict(sums(upper, expected))[which]
