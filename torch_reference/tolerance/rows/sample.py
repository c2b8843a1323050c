"""What the roundings of a few rows say of all others: how far off, at least, a right one may be.

Rows are taken from the whole at equal distances, each of them COPIES times: rows are alike to the reference,
so that the copies of one move by roundings of their own, and each draw of all is as many of each. What no
bound there falls short of, relative to the element itself, to its row's root mean square, to that times its
column's part of all, or to how far it is from its column's mean (offsets.py), is a floor of all bounds:

    floor = max(a |element|, b · row, c · row · column / all, d |element − mean|),
    row, column and all the roots of mean squares, a = min bound / |element|, and so on, over the sample

The element's own, a, is another one below zero than above: of a cross-entropy the gradients of the hits are
negative, p − 1, and have been rounded otherwise than all others, p.

Nothing is relative to other rows: a row may be a million times as small as those of the sample. The sums have
their least bounds, too, relative to the root of the sum of the squares of what they add up; each row moves by
itself, so that in the sum of a column squares add up. What
is within these floors agrees without a draw; a row that is not is judged by draws of its own. An element that
is exactly zero must be so.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from torch_reference.tolerance.differences import adds_up
from torch_reference.tolerance.gradient_sums import ALL, FIRST, OVER_ROWS, apart, sums
from torch_reference.tolerance.movement import LAST, Movement
from torch_reference.tolerance.rounding.roundings import unit
from torch_reference.tolerance.rows.blocks import added_up, in_blocks, joined, mean_of_rows
from torch_reference.tolerance.rows.least import (
    TINY,
    bound_and_spread,
    by_sign,
    least,
    of_columns,
    of_signs,
    of_sum,
)
from torch_reference.tolerance.rows.offsets import away, offsets
from torch_reference.tolerance.rows.settled import MOST, SHARP, Settled, largest_of_rows, worst_row
from torch_reference.tolerance.verdicts import BLUNT_PART


class Sample:
    """The floors of one result, from those rows of it that a movement is of."""

    def __init__(self, movement: Movement, name: str, weight: float, here: Tensor, whole: Tensor) -> None:
        """Find the least bounds.

        Shapes: whole, the result of all rows; here, the numbers of the sample's rows among them; the movement
                is of COPIES of these, one after another, and its result times the weight is that of the whole
        """
        self.name, self.u, self.whole = name, unit(movement.dtypes[name]), whole
        expected, few = movement.known[name], len(here)
        self.largest = weight * (expected.largest or 0.0)
        self.blocks = in_blocks(whole)
        self.rows, totals, signed = list[Tensor](), list[dict[str, Tensor]](), list[Tensor]()
        mean, square = torch.zeros_like(whole[:2])
        for block in self.blocks:
            squares = block.abs().mul_(block)
            ones = squares.new_ones(len(squares))
            signed.append(added_up(ones, squares))
            self.rows.append(mean_of_rows(squares.abs_()))
            weights = self.rows[-1].flatten().clamp(min=TINY).reciprocal_()
            total, weighted = added_up(torch.stack([ones, weights]), squares)
            square += weighted
            mean += added_up(weights.sqrt_(), block)
            known = {0: total, 1: self.rows[-1].flatten() * squares.shape[-1]} if whole.ndim == 2 else {}
            totals.append(dict(sums(squares, squares, self.largest**2, known)))
        self.squares = joined(totals)
        # The root mean square of each column, as a part of that of all.
        columns = self.squares.get(FIRST, self.squares[ALL])
        self.columns = (columns / max(float(columns.mean()), TINY)).sqrt()
        bound, spread = bound_and_spread(movement, name, weight, few)
        sample = whole[here.to(whole.device)]
        self.here, self.bound = here, bound
        self.bounds, self.size = float(bound.sum()), float(sample.abs().sum())
        self.of_signs = of_signs(bound, sample)
        row = mean_of_rows(sample.square()).sqrt()
        of_row, of_column = least(bound, row), least(bound, row * self.columns)
        self.in_row = (of_column * self.columns).clamp(min=of_row)
        self.offsets = offsets(mean / len(whole), square / len(whole), len(whole))
        self.of_distance = least(bound, away(sample, row, self.offsets)) if self.offsets is not None else 0.0
        self.limits = {
            which: max(of_sum(which, moved, expected.root(which)), LAST * self.u) * self.squares[which].sqrt()
            for which, moved in movement.moved_sums[name].items()
        }
        if FIRST in self.limits:
            above = (columns + torch.stack(signed).sum(0)) / 2
            self.limits[FIRST] = of_columns(columns, above, sample, spread)

    @property
    def is_sharp(self) -> bool:
        """Whether bounds and floors are small, and all numbers such that their squares are numbers."""
        largest = max(*self.of_signs, float(self.in_row.amax()), self.of_distance)
        is_blunt = self.bounds > BLUNT_PART / 2 * self.size
        return adds_up(self.columns) and largest <= self.u**SHARP and not is_blunt

    def settled(self, value: Tensor) -> "Settled | None":
        """Which rows of the whole are within the floors; None where too few are, or their sums are not."""
        ratios, totals = list[Tensor](), list[dict[str, Tensor]]()
        parts = value.tensor_split(len(self.blocks))
        for part, own, rows in zip(parts, self.blocks, self.rows, strict=True):
            off, those_of_block = apart(part, own, self.largest)
            totals.append(those_of_block)
            ratios.append(largest_of_rows(off.abs_().div_(self.floors(own, rows))))
            if len(ratios) == 1 and 2 * int((ratios[0] <= 1).sum()) < len(part):
                return None  # the first rows tell what the others will be
        of_rows, every = torch.cat(ratios), joined(totals)
        inside = of_rows <= 1
        for which, total in every.items():
            within = total.abs() <= self.limits[which]
            if which not in OVER_ROWS:
                inside &= within.flatten(1).all(1) if within.ndim > 1 else within
        if MOST * int(inside.sum()) < (MOST - 1) * len(inside):
            return None
        over_rows = {which: every[which] for which in OVER_ROWS if which in every}
        holds = self._holds(over_rows)
        if not holds and not self._holds(self._without(over_rows, value, ~inside)):
            return None
        worst = int(of_rows.masked_fill(~inside, -1.0).argmax())
        one = slice(worst, worst + 1)
        alone = (value[one], self.whole[one], self.floors(self.whole[one]))
        bluntness = self.bounds / self.size if self.size > 0 else None
        row = worst_row(self.name, *alone, worst, bool(inside[worst]), bluntness)
        return Settled(inside.cpu(), row, holds)

    def _holds(self, totals: Mapping[str, Tensor]) -> bool:
        return all(bool((total.abs() <= self.limits[which]).all()) for which, total in totals.items())

    def _without(self, totals: Mapping[str, Tensor], value: Tensor, left: Tensor) -> dict[str, Tensor]:
        """The sums over all rows but those that are left, and another one where that is one alone."""
        number = int(left.int().argmax())
        left = left.index_fill(
            0, torch.tensor([number, number - 1 if number else 1], device=left.device), True
        )
        _, those = apart(value[left], self.whole[left], self.largest)
        return {which: total - those[which] for which, total in totals.items()}

    def floors(self, block: Tensor, rows: Tensor | None = None) -> Tensor:
        """The floors of some rows; that of a zero is the smallest number.

        Shapes: rows, the mean square of each where it is known, with as many dimensions as the block
        """
        rows = mean_of_rows(block.square()) if rows is None else rows
        itself = by_sign(block, self.of_signs)
        least = float(itself.amin())
        of_rows = rows.sqrt()
        floors = torch.maximum(itself, of_rows * self.in_row, out=itself)
        if self.offsets is not None:
            beside = away(block, of_rows, self.offsets).mul_(self.of_distance)
            floors = torch.maximum(floors, beside, out=floors)
        return floors if least > TINY else floors.masked_fill_(block == 0, TINY).clamp_(min=TINY)
