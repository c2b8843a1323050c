"""What a sample of numbers says of all others, where the reference takes each by itself, as activations are.

The same as of rows (sample.py), and each number is one: a row of a thousand has always some where what was
subtracted is many times what is left, as beside the least of x · sigmoid(x), and every row would be left.
Numbers move by themselves, so that in a sum the squares of their floors add up; and a factor that all have in
common is rounded once. Sums are those of the shape in which they stand.
"""

import torch
from torch import Tensor

from torch_reference.tolerance.differences import Tensors, plain_difference
from torch_reference.tolerance.gradient_sums import ALL, ALONG, largest_of, sums
from torch_reference.tolerance.movement import LAST, Movement
from torch_reference.tolerance.rounding.roundings import unit
from torch_reference.tolerance.rows.blocks import in_blocks, joined
from torch_reference.tolerance.rows.least import TINY, bound_and_spread, by_sign, of_signs
from torch_reference.tolerance.rows.settled import SHARP, Settled, worst_row
from torch_reference.tolerance.verdicts import BLUNT_PART

MOST = 8
"""One number in so many may be left of a block: where more are, the floors of rows may still hold."""


class Numbers:
    """The floors of one result, from those numbers of it that a movement is of."""

    def __init__(
        self,
        movement: Movement,
        name: str,
        weight: float,
        here: Tensor,
        whole: Tensor,
        shape: tuple[int, ...],
    ) -> None:
        """Find the least bounds.

        Shapes: as Sample has them; shape, that in which the numbers of the whole stand
        """
        self.name, self.u, self.whole, self.shape = name, unit(movement.dtypes[name]), whole, shape
        bound, _ = bound_and_spread(movement, name, weight, len(here))
        sample = whole[here.to(whole.device)]
        self.bluntness = float(bound.sum()) / max(float(sample.abs().sum()), TINY)
        self.of_signs = of_signs(bound, sample)

    @property
    def is_sharp(self) -> bool:
        """Whether bounds and floors are small."""
        return max(self.of_signs) <= self.u**SHARP and self.bluntness <= BLUNT_PART / 2

    def settled(self, value: Tensor) -> Settled | None:
        """Which numbers of the whole are within the floors; None where too few are, or their sums are not."""
        inside = torch.ones(self.shape, dtype=torch.bool, device=value.device)
        blocks = zip(*(in_blocks(each.view(self.shape)) for each in (value, self.whole, inside)), strict=True)
        totals, squares, largest = (
            list[dict[str, Tensor]](),
            list[dict[str, Tensor]](),
            largest_of(self.whole),
        )
        begin, worst, at = 0, -1.0, 0
        for part, own, inside_here in blocks:
            off = plain_difference(part, own)
            ratio = off.abs().div_(self.floors(own))
            most = float(ratio.amax())
            if not most <= 1:
                torch.le(ratio, 1, out=inside_here)
                is_outside = inside_here.logical_not()  # as what is no number is
                if MOST * int(is_outside.count_nonzero()) > own.numel():
                    return None
                off.masked_fill_(is_outside, 0.0)
                most = float(ratio.masked_fill_(is_outside, 0.0).amax())
            if most > worst:
                worst, at = most, begin + int(ratio.argmax())
            begin += own.numel()
            totals.append(dict(sums(off, own, largest)))
            squares.append(dict(sums(own.square(), own, 0.0)))
        if not self._hold(joined(totals), joined(squares), largest):
            return None
        one = slice(at, at + 1)
        alone = (value[one], self.whole[one], self.floors(self.whole[one]))
        return Settled(inside.flatten().cpu(), worst_row(self.name, *alone, at, True, self.bluntness), True)

    def _hold(self, totals: Tensors, squares: Tensors, largest: float) -> bool:
        """Whether sums of what is off are those of independent numbers, and of a factor of all.

        No term of the product with the reference is larger than what is off there.
        """
        factor = dict[str, Tensor]()
        for which, total in totals.items():
            limit = squares[ALL if which == ALONG else which].sqrt().mul_(max(self.of_signs))
            if bool((total.abs() <= limit).all()):
                continue
            factor = factor or dict(sums(self.whole.view(self.shape), self.whole.view(self.shape), largest))
            if not bool((total.abs() <= limit.add_(factor[which].abs(), alpha=LAST * self.u)).all()):
                return False
        return True

    def floors(self, block: Tensor) -> Tensor:
        """The floors of some numbers; that of a zero is the smallest number."""
        return by_sign(block, self.of_signs).clamp_(min=TINY)
