"""A value that is being judged: after how many draws its verdict is certain."""

import torch
from torch import Tensor

from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import FACTOR, Movement, difference

LARGEST = 8.0
"""Standard deviations that a movement exceeds with a probability of 1e-15."""
STILL = 40
"""Draws in all of which a result stays where it is with a probability of 1e-12: in each, of a half."""


class Unfinished:
    """The part of a value's difference that its last rounding does not explain, and that of its sums."""

    def __init__(self, movement: Movement, name: str, value: Tensor, rtol: float = 0.0) -> None:
        """Compute what stays the same from draw to draw."""
        self.movement, self.name, self.rtol = movement, name, rtol
        expected = movement.expected[name]
        off = difference(value, expected)
        self.sums = {which: total.abs() for which, total in sums(off, expected)}
        if rtol:
            for which, size in sums(expected.abs(), expected.abs()):
                self.sums[which] -= rtol * size
        self.elements = off.abs() if off.is_complex() else off.abs_()
        self.is_reduced = False

    def is_settled(self, draw: int, fewest: int) -> bool:
        """Whether it is within its bounds, or so far outside that it is certain to stay there.

        The bounds follow the largest of the draws' movements, which are normal. For a ratio to shrink to 1
        yet, each of the draws so far was below LARGEST / ratio standard deviations, which has a probability
        of (0.8 LARGEST / ratio)^draws. It is below 1e-12 for a ratio above 0.8 LARGEST · 1e12^(1 / draws).
        What has not moved at all proves nothing before STILL draws, unless nothing in the reference rounds.
        """
        if not self.is_reduced:  # only now the movement knows the dtype
            last = self.movement.last_rounding(self.name)
            if self.rtol:
                last = last.add_(self.movement.expected[self.name].abs(), alpha=self.rtol)
            self.elements.sub_(last)
            self.is_reduced = True
        certain = torch.inf if draw < fewest else 0.8 * LARGEST * 1e12 ** (1 / draw)
        moved = self.movement.moved[self.name]
        triples = [(self.elements, FACTOR * moved, moved)]
        limits, moved_sums = self.movement.sum_bounds(self.name), self.movement.moved_sums[self.name]
        triples += [(total, limits[which], moved_sums[which]) for which, total in self.sums.items()]
        within = [bool((off <= limit).all()) for off, limit, _ in triples]
        if all(within):
            return True
        if draw < fewest:
            return False
        if within[0] and self.movement.count_repeats(self.name):
            return self.is_settled(draw, fewest)
        is_proof = self.movement.is_exact or draw >= STILL
        return any(
            bool((~(off <= certain * limit) & ((moved > 0) | is_proof) | ~off.isfinite()).any())
            for off, limit, moved in triples
        )
