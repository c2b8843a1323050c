"""What belongs to no row, judged as the sum of what its parts are: the gradient of a gain, a mean loss."""

import math
from collections.abc import Collection
from dataclasses import replace

import torch
from torch import Tensor

from torch_reference.comparison import Row, compare
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.kinks import Hull
from torch_reference.tolerance.movement import FACTOR, LAST, Movement, Tensors
from torch_reference.tolerance.rounding.roundings import SPREAD, smallest, unit
from torch_reference.tolerance.rows.whole import Whole
from torch_reference.tolerance.sums_row import row_of_sum
from torch_reference.tolerance.verdicts import BLUNT_PART

SAME = 2.0**-36
"""The largest difference, of the largest number of a part, between the part and the whole in float64."""
FAR = 64.0
"""So many bounds away, neither the worst case of a precision nor more draws can explain it."""
REACH = FACTOR * 2.4
"""The bound after 48 draws: the largest of so many standard normal numbers is 2.5 on average."""


class NotByRowsError(Exception):
    """The parts are not what the whole is, or what is wrong shows in the whole alone."""


class AddedUp:
    """The sums over the parts: of the exact values, of their squares, and of the squared movements."""

    def __init__(self, names: Collection[str], like: Tensors, count: int) -> None:
        """Begin; count is the number of rows."""
        self.totals, self.moved, self.squares = (
            {name: torch.zeros_like(like[name]) for name in names} for _ in range(3)
        )
        self.count = count
        self.dtype = torch.float64
        self.decides = False

    def add(self, movement: Movement, weight: float) -> None:
        """Add one part, so many times."""
        self.decides |= any(isinstance(each, Tensor) for each in movement.decisions)
        for name in self.totals:
            self.dtype = movement.dtypes[name]
            part = weight * movement.expected[name]
            self.totals[name] += part
            self.squares[name] += part.square()
            self.moved[name] += weight**2 * movement.squares[name] / movement.draws

    def scale(self, whole: Tensors, share: float) -> None:
        """Take what was added for such a share of the whole: what is independent adds up by its squares."""
        for name in self.totals:
            self.totals[name] = whole[name]
            self.squares[name] /= share
            self.moved[name] /= share

    def row(self, name: str, value: Tensor, whole: Whole) -> Row:
        """The row of a value that agrees, or is far from doing so where no kink can be the reason.

        Errors: NotByRowsError for any other: the whole has to be looked at
        """
        expected, allowed, blunt = whole.results[name], whole.allowed, name not in whole.outputs
        variance, own = self._variance(name), LAST * unit(self.dtype)
        bound = REACH * variance.sqrt() + own * expected.abs()
        bound = torch.where(variance > 0, bound + smallest(self.dtype), bound)
        if blunt and bool(bound.sum() > BLUNT_PART / 2 * expected.abs().sum()):
            raise NotByRowsError
        bound += allowed.rtol * expected.abs()
        [row] = compare({name: value.to(expected.dtype)}, {name: expected}, {name: bound})
        if not row.agrees and (row.ratio or 0.0) > FAR and not self.decides:
            return row
        squares, totals = dict(sums(expected.square(), expected.square())), dict(sums(expected, expected))
        sizes = dict(sums(expected.abs(), expected.abs()))
        hulls = {}
        for which, each in sums(variance, expected.square()):
            limit = torch.maximum(REACH * each.sqrt(), own * squares[which].sqrt())
            limit = limit + own * totals[which].abs() + allowed.rtol * sizes[which]
            hulls[which] = Hull(torch.zeros_like(limit), torch.zeros_like(limit), limit)
        if not row.agrees or row_of_sum(row, value, expected, hulls):
            raise NotByRowsError
        size = float(expected.abs().sum())
        return replace(row, bluntness=float(bound.sum()) / size if size > 0 else None)

    def _variance(self, name: str) -> Tensor:
        """That of a movement: those of the parts are independent.

        There is one addition for each row, as in any sum (local_sums.py), besides those inside of the parts.
        """
        additions = self.count * (self.squares[name] + self.totals[name].square())
        return self.moved[name] + (SPREAD * unit(self.dtype)) ** 2 * additions


def added_up(sums: Collection[AddedUp], actual: Tensors, whole: Whole) -> dict[str, Row]:
    """The rows of what belongs to no row, of those sums that are what the whole has.

    Errors: NotByRowsError where none of them is
    """
    found = {}
    for name in whole.shared:
        right = next((one for one in sums if is_same(one.totals[name], whole.results[name])), None)
        if right is None:
            raise NotByRowsError
        if name in actual:
            found[name] = right.row(name, actual[name], whole)
    return found


def is_same(part: Tensor, whole: Tensor) -> bool:
    """Whether a part is what the whole is there, in float64.

    Shapes: alike, or they are not the same
    """
    if part.shape != whole.shape or not part.numel():
        return False
    if torch.equal(part, whole):
        return True
    largest = float(whole.abs().amax())
    return math.isfinite(largest) and float((part - whole).abs().amax()) <= SAME * largest
