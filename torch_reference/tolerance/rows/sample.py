"""What the roundings of a few rows say of all others: how far off, at least, a right one may be.

Rows are taken from the whole at equal distances, and moved. What no bound there falls short of, relative to
the element itself, to its row's root mean square, or to that times its column's part of all, is a floor of
all bounds:

    floor = max(a |element|, b · row, c · row · column / all),  each the root of a mean square,
    a = min bound / |element|, and so on, over the elements of the sample

The element's own, a, is another one below zero than above: of a cross-entropy the gradients of the hits are
negative, p − 1, and have been rounded otherwise than all others, p.

Nothing is relative to other rows: a row may be a million times as small as those of the sample. The sums have
their least bounds, too, relative to the root of the sum of the squares of what they add up. What
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
from torch_reference.tolerance.gradient_sums import ALL, sums
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.roundings import unit
from torch_reference.tolerance.rows.added_up import REACH
from torch_reference.tolerance.rows.blocks import FIRST, OVER_ROWS, in_blocks, joined, mean_of_rows

DRAWS = 12
"""Of the sample: after fewer, the least of so many bounds is one that has hardly moved by chance."""
MOST = 3
"""One row in so many may be left, of the first block and of all."""
TINY = torch.finfo(torch.float64).tiny
SHARP = 0.5
"""No floor is used where it is more than this power of u: there each element is to be looked at by itself."""


class Sample:
    """The floors of one result, from those rows of it that a movement is of."""

    def __init__(self, movement: Movement, name: str, weight: float, here: Tensor, whole: Tensor) -> None:
        """Find the least bounds.

        Shapes: whole, the result of all rows; here, the numbers of the movement's among them, whose result is
                multiplied by the weight to be that of the whole
        """
        self.name, self.u, self.whole = name, unit(movement.dtypes[name]), whole
        limits, known = movement.sum_bounds(name), movement.known[name]
        self.largest = weight * (known.largest or 0.0)
        self.blocks = in_blocks(whole)
        self.rows, totals = list[Tensor](), list[dict[str, Tensor]]()
        for block in self.blocks:
            squares = block.square()
            totals.append(dict(sums(squares, squares, self.largest**2)))
            self.rows.append(mean_of_rows(squares))
        self.squares = joined(totals)
        # The root mean square of each column, as a part of that of all.
        columns = self.squares.get(FIRST, self.squares[ALL])
        self.columns = (columns / max(float(columns.mean()), TINY)).sqrt()
        # The bound after all draws, as those that were made foretell it.
        spread = (movement.squares[name] / movement.draws).sqrt()
        bound = movement.last_rounding(name).add_(spread, alpha=REACH) * weight
        sample = whole[here.to(whole.device)]
        self.of_signs, self.spreads = _of_signs(bound, sample), _of_signs(REACH * weight * spread, sample)
        row = mean_of_rows(sample.square()).sqrt()
        of_row, of_column = _least(bound, row), _least(bound, row * self.columns)
        self.in_row = (of_column * self.columns).clamp(min=of_row)
        self.of_sums = {which: _least(limit, known.root(which)) for which, limit in limits.items()}

    @property
    def is_sharp(self) -> bool:
        """Whether the elements' floors are small, and all numbers such that their squares are numbers."""
        largest = max(*self.of_signs, float(self.in_row.amax()))
        return adds_up(self.columns) and largest <= self.u**SHARP

    def settled(self, value: Tensor, among: Tensor) -> "Settled | None":
        """Which rows of the whole are within the floors; None where too few are, or a sum over all is not.

        Shapes: among, for each row whether it is one of those that are judged here
        """
        ratios, totals, among = list[Tensor](), list[dict[str, Tensor]](), among.to(value.device)
        parts = value.tensor_split(len(self.blocks))
        for part, own, rows in zip(parts, self.blocks, self.rows, strict=True):
            off = difference(part, own)
            totals.append(dict(sums(off, own, self.largest)))
            ratios.append(_largest(off.abs_().div_(self.floors(own, rows))))
            those = among[: len(part)]
            if len(ratios) == 1 and MOST * int((ratios[0] <= 1)[those].sum()) < (MOST - 1) * int(those.sum()):
                return None  # the first rows tell what the others will be
        of_rows = torch.cat(ratios)
        inside = among & (of_rows <= 1)
        for which, total in joined(totals).items():
            within = self._is_within(which, total.abs())
            if which not in OVER_ROWS:
                inside &= within.flatten(1).all(1) if within.ndim > 1 else within
            elif not bool(within.all()):
                return None
        worst = int(of_rows.masked_fill(~inside, -1.0).argmax())
        return Settled(inside.cpu(), self._row(value, worst, bool(inside[worst])))

    def _is_within(self, which: str, off: Tensor) -> Tensor:
        """Which sums are. Each row moves by itself: in a sum over all rows squares add up."""
        within = off <= self.of_sums.get(which, 0.0) * self.squares[which].sqrt()
        if which != FIRST or bool(within.all()):
            return within
        sizes = (_by_sign(block, self.spreads).square_().sum(0) for block in self.blocks)
        return within | (off <= torch.stack(list(sizes)).sum(0).sqrt())

    def _row(self, value: Tensor, number: int, is_inside: bool) -> Row:
        """The row of the result at the worst element of one row; outside of its floors it says nothing."""
        manual, right = value[number : number + 1], self.whole[number : number + 1]
        floors = self.floors(right)
        ratios = difference(manual, right).abs() / floors
        place = int(ratios.argmax())
        own, expected, floor, ratio = (
            float(each.flatten()[place]) for each in (manual, right, floors, ratios)
        )
        return Row(
            self.name,
            Verdict.AGREES,
            manual=own,
            reference=expected,
            difference=abs(own - expected),
            bound=floor,
            ratio=ratio if is_inside else 0.0,
            index=(number, *map(int, np.unravel_index(place, ratios.shape)[1:])),
        )

    def floors(self, block: Tensor, rows: Tensor | None = None) -> Tensor:
        """The floors of some rows; that of a zero is the smallest number.

        Shapes: rows, the mean square of each where it is known, with as many dimensions as the block
        """
        rows = mean_of_rows(block.square()) if rows is None else rows
        itself = _by_sign(block, self.of_signs)
        least = float(itself.amin())
        floors = torch.maximum(itself, rows.sqrt() * self.in_row, out=itself)
        return floors if least > TINY else floors.masked_fill_(block == 0, TINY).clamp_(min=TINY)


class Settled(NamedTuple):
    """Which rows are inside of their floors, and the row of the result at the worst element of these."""

    inside: Tensor
    row: Row


def _least(bounds: Tensor, sizes: Tensor) -> float:
    """The least bound of what is not zero, in parts of its size; 0 where nothing is."""
    least = float(torch.where(bounds > 0, bounds / sizes, torch.inf).amin())
    return least if math.isfinite(least) else 0.0


def _of_signs(bounds: Tensor, values: Tensor) -> tuple[float, float]:
    """The same of what is above zero, and of what is below."""
    return _least(bounds, values.clamp(min=0)), _least(bounds, values.clamp(max=0).abs_())


def _by_sign(values: Tensor, times: tuple[float, float]) -> Tensor:
    """The size of each value, so many times: the first of what is above zero, the second of what is below."""
    above, below = values * times[0], values * -times[1]
    return torch.maximum(above, below, out=above)


def _largest(value: Tensor) -> Tensor:
    """Of each row."""
    return value.flatten(1).amax(1) if value.ndim > 1 else value
