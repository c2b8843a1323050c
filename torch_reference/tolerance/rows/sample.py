"""What the roundings of a few rows say of all others: how far off, at least, a right one may be.

Rows are taken from the whole at equal distances, and moved. What no bound there falls short of, relative to
the element itself, to its row's root mean square, or to that times its column's part of all, is a floor of
all bounds:

    floor = u · max(a |element|, b · row, c · row · column / all),  each the root of a mean square,
    a = min bound / (u |element|), and so on, over the elements of the sample

Nothing is relative to other rows: a row may be a million times as small as those of the sample.

So are the least bounds of the sums, relative to the root of the sum of the squares of what they add up. What
is within these floors agrees without a draw; a row that is not is judged by draws of its own. An element that
is exactly zero must be so.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.differences import adds_up, difference
from torch_reference.tolerance.gradient_sums import ALL, ALONG, ExpectedSums, dimension
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.moved_run import unit
from torch_reference.tolerance.rows.added_up import REACH

DRAWS = 12
"""Of the sample: no bound is larger after these than after all."""
SHARP = 0.5
"""No floor is used where it is more than this power of u: there each element is to be looked at by itself."""


class Sample:
    """The floors of one result, from those rows of it that a movement is of."""

    def __init__(self, movement: Movement, name: str, weight: float, here: Tensor, whole: Tensor) -> None:
        """Find the least bounds.

        Shapes: whole, the result of all rows; here, the numbers of the movement's among them, whose result is
                multiplied by the weight to be that of the whole
        """
        self.u, self.whole, self.known = unit(movement.dtypes[name]), whole, ExpectedSums(whole)
        self.squares = _squares(self.known)
        # The bound after all draws, as those that were made foretell it.
        spread = (movement.squares[name] / movement.draws).sqrt()
        bound = movement.last_rounding(name).add_(spread, alpha=REACH) * (weight / self.u)
        self.parts = [_least(bound, _some_of(each, here).sqrt()) for each in self.squares]
        limits, sample = movement.sum_bounds(name), movement.known[name]
        self.of_sums = {which: _least(limit / self.u, sample.root(which)) for which, limit in limits.items()}

    @property
    def is_sharp(self) -> bool:
        """Whether the elements' floors are small, and all numbers such that their squares are numbers."""
        return adds_up(self.squares[0]) and max(self.parts) * self.u <= self.u**SHARP

    def settled(self, name: str, value: Tensor, among: Tensor) -> "Settled | None":
        """Which rows of the whole are within the floors; None where a sum over all rows is not.

        Shapes: among, for each row whether it is one of those that are judged here
        """
        off = difference(value, self.whole)
        inside = torch.ones(len(value), dtype=torch.bool, device=value.device)
        for which, total in self.known.sums(off):
            limit = self.of_sums.get(which, 0.0) * self.u * self.known.roots[which]
            if which not in (ALL, ALONG) and dimension(which) > 0:
                inside &= _largest(total.abs() - limit) <= 0
            elif not bool((total.abs() <= limit).all()):
                return None
        floors = self.floors()
        ratios = off.square_().div_(floors.clamp(min=torch.finfo(torch.float64).tiny))
        of_rows = _largest(ratios)
        inside &= of_rows <= 1
        row = int(of_rows.masked_fill(~(inside & among.to(inside.device)), -1.0).argmax())
        place = int(ratios[row].argmax())
        manual, right = (float(each[row].flatten()[place]) for each in (value, self.whole))
        where = np.unravel_index(place, ratios.shape[1:]) if ratios.ndim > 1 else ()
        floor, ratio = (float(each[row].flatten()[place]) ** 0.5 for each in (floors, ratios))
        index = (row, *map(int, where))
        shown = Row(name, Verdict.AGREES, manual, right, abs(manual - right), floor, ratio, index)
        return Settled(inside.cpu(), shown)

    def floors(self) -> Tensor:
        """The squares of the floors of all elements."""
        itself, of_row, of_column = (
            each * (part * self.u) ** 2 for each, part in zip(self.squares, self.parts, strict=True)
        )
        floors = torch.maximum(torch.maximum(itself, of_row, out=itself), of_column, out=itself)
        if float(self.squares[0].amin()) == 0:
            floors.masked_fill_(self.squares[0] == 0, 0.0)
        return floors


class Settled(NamedTuple):
    """Which rows are inside of their floors, and the row of the result at the worst element of these."""

    inside: Tensor
    row: Row


def _squares(known: ExpectedSums) -> list[Tensor]:
    """Of what bounds are relative to: the element, its row, and its row with its column's part of all."""
    squares = known.squares
    dims = tuple(range(1, squares.ndim))
    row = squares.mean(dims, keepdim=True) if dims else squares
    column = squares.mean(0, keepdim=True) / max(float(squares.mean()), torch.finfo(torch.float64).tiny)
    return [squares, row, row * column]


def _some_of(squares: Tensor, here: Tensor) -> Tensor:
    return squares[here.to(squares.device)]


def _least(bounds: Tensor, sizes: Tensor) -> float:
    """The least bound of what is not zero, in parts of its size; 0 where nothing is."""
    least = float(torch.where(bounds > 0, bounds / sizes, torch.inf).amin())
    return least if math.isfinite(least) else 0.0


def _largest(value: Tensor) -> Tensor:
    """Of each row."""
    return value.flatten(1).amax(1) if value.ndim > 1 else value
