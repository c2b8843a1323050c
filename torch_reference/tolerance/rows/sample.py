"""What the roundings of a few rows say of all others: how far off, at least, a right one may be.

Rows are taken from the whole at equal distances, and moved. What no bound there falls short of, relative to
the element itself, to its row's root mean square, or to that times its column's part of all, is a floor of
all bounds:

    floor = u · max(a |element|, b · row, c · row · column / all),  each the root of a mean square,
    a = min bound / (u |element|), and so on, over the elements of the sample

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
from torch_reference.tolerance.gradient_sums import ALL, ALONG, ExpectedSums, largest_of, sums
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.roundings import unit
from torch_reference.tolerance.rows.added_up import REACH

DRAWS = 12
"""Of the sample: after fewer, the least of so many bounds is one that has hardly moved by chance."""
BLOCK = 2**17
"""So many numbers are looked at at once: a processor keeps them at hand."""
FIRST = "sum over dimension 0"
"""The sum that goes over all rows, as gradient_sums.py calls it."""
MOST = 3
"""One row in so many may be left, of the first block and of all."""
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
        self.largest = largest_of(whole)
        # The mean square of each column, as a part of that of all.
        columns = torch.zeros_like(whole[0])
        for block in whole.tensor_split(_number_of_blocks(whole)):
            columns += block.square().sum(0)
        self.columns = columns / max(float(columns.mean()), torch.finfo(torch.float64).tiny)
        # The bound after all draws, as those that were made foretell it.
        spread = (movement.squares[name] / movement.draws).sqrt()
        bound = movement.last_rounding(name).add_(spread, alpha=REACH) * (weight / self.u)
        self.parts = [_least(bound, each.sqrt()) for each in self._squares(whole[here.to(whole.device)])]
        limits, sample = movement.sum_bounds(name), movement.known[name]
        self.of_sums = {which: _least(limit / self.u, sample.root(which)) for which, limit in limits.items()}

    def _squares(self, block: Tensor) -> list[Tensor]:
        """Of what bounds are relative to: the element, its row, and its row with its column's part of all."""
        squares, dims = block.square(), tuple(range(1, block.ndim))
        row = squares.mean(dims, keepdim=True) if dims else squares
        return [squares, row, row * self.columns]

    @property
    def is_sharp(self) -> bool:
        """Whether the elements' floors are small, and all numbers such that their squares are numbers."""
        return adds_up(self.columns) and max(self.parts) * self.u <= self.u**SHARP

    def settled(self, value: Tensor, among: Tensor) -> "Settled | None":
        """Which rows of the whole are within the floors; None where too few are, or a sum over all is not.

        Shapes: among, for each row whether it is one of those that are judged here
        """
        of_all = {ALL: _Total(), ALONG: _Total(), FIRST: _Total()}
        found: list[Settled] = []
        start, number, among = 0, _number_of_blocks(value), among.to(value.device)
        every = (each.tensor_split(number) for each in (value, self.whole, among))
        for block, own, those in zip(*every, strict=True):
            off, known = difference(block, own), ExpectedSums(own)
            inside = torch.ones(len(block), dtype=torch.bool, device=block.device)
            squares = sums(known.squares, known.squares, self.largest**2)
            for (which, total), (_, square) in zip(sums(off, own, self.largest), squares, strict=True):
                if which in of_all:
                    of_all[which].add(total, square)
                else:
                    limit = self.of_sums.get(which, 0.0) * self.u * square.sqrt()
                    inside &= _largest(total.abs() - limit) <= 0
            found.append(self._shown(block, own, off, inside & those, start))
            if MOST * int(found[-1].inside.sum()) < (MOST - 1) * int(those.sum()) and not start:
                return None  # the first rows tell what the others will be
            start += len(block)
        if not all(total.is_within(self.of_sums.get(which, 0.0) * self.u) for which, total in of_all.items()):
            return None
        worst = max(found, key=lambda one: one.row.ratio or 0.0)
        return Settled(torch.cat([one.inside for one in found]), worst.row)

    def _shown(self, block: Tensor, own: Tensor, off: Tensor, inside: Tensor, start: int) -> "Settled":
        """Which of these rows are inside, and the row of the worst."""
        floors = self.floors(own)
        ratios = off.square_().div_(floors.clamp(min=torch.finfo(torch.float64).tiny))
        of_rows = _largest(ratios)
        inside = inside & (of_rows <= 1)
        row = int(of_rows.masked_fill(~inside, -1.0).argmax())
        place = int(ratios[row].argmax())
        manual, right, floor, ratio = (
            float(each[row].flatten()[place]) for each in (block, own, floors, ratios)
        )
        where = np.unravel_index(place, ratios.shape[1:]) if ratios.ndim > 1 else ()
        index, ratio = (start + row, *map(int, where)), ratio**0.5 if bool(inside[row]) else 0.0
        distance = abs(manual - right)
        return Settled(
            inside.cpu(), Row(self.name, Verdict.AGREES, manual, right, distance, floor**0.5, ratio, index)
        )

    def floors(self, block: Tensor) -> Tensor:
        """The squares of the floors of some rows."""
        squares = self._squares(block)
        itself, of_row, of_column = (
            each * (part * self.u) ** 2 for each, part in zip(squares, self.parts, strict=True)
        )
        floors = torch.maximum(torch.maximum(itself, of_row, out=itself), of_column, out=itself)
        return floors.masked_fill_(squares[0] == 0, 0.0) if float(squares[0].amin()) == 0 else floors


class _Total:
    """A sum over the rows, and that of the squares, of which blocks are added."""

    def __init__(self) -> None:
        self.off, self.squares = torch.zeros(()), torch.zeros(())

    def add(self, off: Tensor, squares: Tensor) -> None:
        self.off, self.squares = self.off.to(off.device) + off, self.squares.to(off.device) + squares

    def is_within(self, times: float) -> bool:
        return bool((self.off.abs() <= times * self.squares.abs().sqrt()).all())


class Settled(NamedTuple):
    """Which rows are inside of their floors, and the row of the result at the worst element of these."""

    inside: Tensor
    row: Row


def _number_of_blocks(value: Tensor) -> int:
    """Each with two rows at least, as a single one has no sum over rows."""
    return max(1, min(len(value) // 2, -(-value.numel() // BLOCK)))


def _least(bounds: Tensor, sizes: Tensor) -> float:
    """The least bound of what is not zero, in parts of its size; 0 where nothing is."""
    least = float(torch.where(bounds > 0, bounds / sizes, torch.inf).amin())
    return least if math.isfinite(least) else 0.0


def _largest(value: Tensor) -> Tensor:
    """Of each row."""
    return value.flatten(1).amax(1) if value.ndim > 1 else value
