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
from torch_reference.tolerance.gradient_sums import ALL, ALONG, largest_of, sums
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.roundings import unit
from torch_reference.tolerance.rows.added_up import REACH
from torch_reference.tolerance.rows.blocks import FIRST, Total, in_blocks, mean_of_rows

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
        largest = self.largest = largest_of(whole)
        self.blocks = in_blocks(whole, largest)
        # The root mean square of each column, as a part of that of all.
        columns = torch.stack([block.columns for block in self.blocks]).sum(0)
        self.columns = (columns / max(float(columns.mean()), TINY)).sqrt()
        # The bound after all draws, as those that were made foretell it.
        spread = (movement.squares[name] / movement.draws).sqrt()
        bound = movement.last_rounding(name).add_(spread, alpha=REACH) * weight
        sample = whole[here.to(whole.device)]
        self.of_signs, self.spreads = _of_signs(bound, sample), _of_signs(REACH * weight * spread, sample)
        row = mean_of_rows(sample.square()).sqrt()
        of_row, of_column = _least(bound, row), _least(bound, row * self.columns)
        self.in_row = (of_column * self.columns).clamp(min=of_row)
        limits, known = movement.sum_bounds(name), movement.known[name]
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
        of_all = {ALL: Total(), ALONG: Total(), FIRST: Total()}
        ratios, inside, number = list[Tensor](), list[Tensor](), len(self.blocks)
        parts = value.tensor_split(number), among.to(value.device).tensor_split(number), self.blocks
        for part, those, block in zip(*parts, strict=True):
            off, within = difference(part, block.values), those
            for which, total in sums(off, block.values, self.largest):
                if which in of_all:
                    of_all[which].add(total, block.sums[which])
                else:
                    limit = self.of_sums.get(which, 0.0) * block.sums[which].sqrt()
                    within = within & (_largest(total.abs() - limit) <= 0)
            ratios.append(_largest(off.abs_().div_(self.floors(block.values, block.rows))))
            inside.append(within & (ratios[-1] <= 1))
            if len(inside) == 1 and MOST * int(inside[0].sum()) < (MOST - 1) * int(those.sum()):
                return None  # the first rows tell what the others will be
        if not all(self._is_within(which, total) for which, total in of_all.items()):
            return None
        every = torch.cat(inside)
        worst = int(torch.cat(ratios).masked_fill_(~every, -1.0).argmax())
        return Settled(every.cpu(), self._row(value, worst, bool(every[worst])))

    def _is_within(self, which: str, total: Total) -> bool:
        """Whether a sum over all rows is; of each row the movement is its own, so that squares add up."""
        off, limit = total.off.abs(), self.of_sums.get(which, 0.0) * total.squares.sqrt()
        if which == FIRST and not bool((off <= limit).all()):
            sizes = (_by_sign(block.values, self.spreads) for block in self.blocks)
            limit = torch.maximum(limit, torch.stack([size.square_().sum(0) for size in sizes]).sum(0).sqrt())
        return bool((off <= limit).all())

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
