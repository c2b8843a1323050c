"""How far the code that is judged moves its own results, in draws of its own roundings."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from torch_reference.tolerance.certainty import certain
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import DRAWS, FACTOR

HOPELESS = 64.0
"""What is so many bounds away, where no draw follows, is no rounding."""
FEW, MANY = 6, math.log(64)
"""After so many draws it is seen how many become less; of so many that are expected outside, none is so with
a probability of e⁻⁶⁴."""


class OwnDraws:
    """One value: how far off it is, and how far its own roundings have moved it."""

    def __init__(self, value: Tensor, expected: Tensor, bounds: Mapping[str, Tensor]) -> None:
        """Nothing is drawn yet.

        Shapes: value and expected alike; the bounds are those of its elements, named "", and of its sums
        """
        off = difference(value, expected)
        self.value, self.expected, self.dtype = value.detach().to(expected.dtype), expected, value.dtype
        self.off = {"": off.abs(), **{which: total.abs() for which, total in sums(off, expected)}}
        self.bounds = bounds
        self.moved = {which: torch.zeros_like(each) for which, each in self.off.items()}
        self.farthest = dict(self.moved)
        self.lowest = {which: torch.full_like(each, torch.inf) for which, each in self.off.items()}
        self.highest = {which: -each for which, each in self.lowest.items()}
        self.outside = list[int]()

    def is_again(self, found: Tensor) -> bool:
        """Whether it is the same number, within the bound."""
        moved = (found.detach().to(self.expected.dtype) - self.value).abs()
        return bool((moved <= self.bounds[""]).all())

    def is_explained(self, found: Tensor) -> bool:
        """Whether it is, with one more draw.

        Roundings part one draw from another, too: where all are far from the value and near each other, other
        code ran, as what is compiled runs as it was written where its operations are seen. What is no number
        in a draw, as the root of a variance that cancels to less than 0, says nothing there.
        """
        moved = found.detach().to(self.expected.dtype) - self.value
        known = moved.masked_fill(moved.isnan(), 0.0)
        for which, each in {"": moved, **dict(sums(known, self.expected))}.items():
            self.lowest[which] = torch.fmin(self.lowest[which], each)
            self.highest[which] = torch.fmax(self.highest[which], each)
            self.farthest[which] = torch.maximum(self.lowest[which].abs(), self.highest[which].abs())
            apart = self.highest[which] - self.lowest[which]
            self.moved[which] = torch.minimum(self.farthest[which], apart)
        self.outside.append(sum(int(each.sum()) for each in self._outside().values()))
        return not self.outside[-1]

    def is_inside(self) -> bool:
        """Whether everything is within both bounds together."""
        return not any(bool(each.any()) for each in self._outside().values())

    def is_outside(self, times: float) -> bool:
        """Whether an element is so many times as far off as both bounds, of the draws made, explain."""
        return bool((self.off[""] > times * self._within("", self.moved[""])).any())

    def is_hopeless(self, is_last: bool = False) -> bool:
        """Whether most of what is outside of its bound is many bounds away, of the draw farthest from it.

        On the grid of a dtype all of the first draws of one in a hundred elements are the same number. Or
        whether many would be outside after all draws, if as many as in the later half of these came inside
        in each of the others: it becomes fewer. After the last draw nothing is waited for.
        """
        if self._stays_outside():
            return True
        bounds = HOPELESS if is_last else certain(len(self.outside))
        for which, off in self.off.items():
            outside = off > self.bounds[which]
            far = off > bounds * self._within(which, self.farthest[which])
            if bool(far.sum() * 2 > outside.sum()):
                return True
        return False

    def _stays_outside(self) -> bool:
        draws = len(self.outside)
        if draws < FEW or not self.outside[-1]:
            return False
        now, before = self.outside[-1], self.outside[draws - draws // 2 - 1]
        return math.log(now) - math.log(before / now) * (DRAWS - draws) / (draws // 2) > MANY

    def _outside(self) -> dict[str, Tensor]:
        return {which: ~(off <= self._within(which, self.moved[which])) for which, off in self.off.items()}

    def _within(self, which: str, moved: Tensor) -> Tensor:
        return self.bounds[which] + FACTOR * moved
