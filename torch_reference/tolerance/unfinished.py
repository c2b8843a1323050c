"""A value that is being judged: after how many draws its verdict is certain."""

from collections.abc import Iterable

import torch
from torch import Tensor

from torch_reference.tolerance.differences import adds_up, difference
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import FACTOR, Movement
from torch_reference.tolerance.second_look import COARSE_DRAWS, coarse_movements

LARGEST = 8.0
"""Standard deviations that a movement exceeds with a probability of 1e-15."""
STILL = 40
"""Draws in all of which a result stays where it is with a probability of 1e-12: in each, of a half."""


class Unfinished:
    """The part of a value's difference that its last rounding does not explain, and that of its sums."""

    def __init__(
        self, movement: Movement, name: str, value: Tensor, rtol: float = 0.0, plainly: bool = False
    ) -> None:
        """Compute what stays the same from draw to draw; plainly, where all is known to be wrong anyway."""
        self.movement, self.name, self.rtol, self.plainly = movement, name, rtol, plainly
        expected = movement.expected[name]
        off = difference(value, expected)
        self.sums = {which: total.abs() for which, total in movement.known[name].sums(off)}
        if rtol:
            for which, size in sums(expected.abs(), expected.abs()):
                self.sums[which] -= rtol * size
        self.elements = off.abs() if off.is_complex() else off.abs_()
        self.last: Tensor | None = None

    def is_settled(self, draw: int, fewest: int) -> bool:
        """Whether it is within its bounds, or so far outside that it is certain to stay there.

        The bounds follow the largest of the draws' movements, which are normal. For a ratio to shrink to 1
        yet, each of the draws so far was below LARGEST / ratio standard deviations, which has a probability
        of (0.8 LARGEST / ratio)^draws. It is below 1e-12 for a ratio above 0.8 LARGEST · 1e12^(1 / draws).
        What has not moved at all, or by the last operation alone, proves nothing before STILL draws, unless
        it is as still under coarse roundings, or nothing in the reference rounds.
        """
        self._reduce()
        certain = torch.inf if draw < fewest else _certain(draw)
        moved = self.movement.moved[self.name]
        triples = [(self.elements, FACTOR * moved, moved)]
        limits, moved_sums = self.movement.sum_bounds(self.name), self.movement.moved_sums[self.name]
        triples += [(total, limits[which], moved_sums[which]) for which, total in self.sums.items()]
        within = [_is_within(off, limit) for off, limit, _ in triples]
        if all(within):
            return True
        if draw < fewest:
            return False
        outside = [~(off <= certain * limit) | ~off.isfinite() for off, limit, _ in triples]
        if (
            self.movement.is_exact
            or self.plainly
            or draw >= STILL
            or not any(map(bool, map(torch.any, outside)))
        ):
            return any(map(bool, map(torch.any, outside)))
        if draw < COARSE_DRAWS:  # as many more cost no more, and settle most of it
            return False
        elements, totals = coarse_movements(self.movement)
        coarse = [elements[self.name], *(totals[self.name][which] for which in self.sums)]
        far = FACTOR * _certain(COARSE_DRAWS)
        return any(
            bool((out & (((moved > 0) & (off > far * by)) | ~off.isfinite())).any())
            for out, (off, _, moved), by in zip(outside, triples, coarse, strict=True)
        )

    def rows_outside(self) -> Tensor | None:
        """The rows with an element that is outside of its bound so far; None where a sum is."""
        self._reduce()
        limits = self.movement.sum_bounds(self.name)
        if not all(_is_within(total, limits[which]) for which, total in self.sums.items()):
            return None
        excess = torch.sub(self.elements, self.movement.moved[self.name], alpha=FACTOR)
        if adds_up(excess):
            return (excess.flatten(1).amax(1) if excess.ndim > 1 else excess).gt(0).nonzero().flatten()
        return None

    def at_the_end(self) -> tuple[Tensor, Tensor]:
        """(how far each element is off, its bound): asked once, when nothing else will be.

        Shapes: both that of the value; no bound is zero
        """
        last = self._reduce()
        off = self.elements.add_(last)
        bound = last.add_(self.movement.moved[self.name], alpha=FACTOR)
        return off, bound.clamp_(min=torch.finfo(torch.float64).tiny)

    def _reduce(self) -> Tensor:
        """The last rounding, taken off once the movement knows the dtype."""
        if self.last is None:
            self.last = self.movement.last_rounding(self.name)
            if self.rtol:
                self.last.add_(self.movement.expected[self.name].abs(), alpha=self.rtol)
            self.elements.sub_(self.last)
        return self.last


def rows_left(values: Iterable[Unfinished], most: int) -> Tensor | None:
    """The rows that are outside in some of these; None, as soon as that is known, for more than so many."""
    found = [torch.zeros(0, dtype=torch.int64)]
    for one in values:
        rows = one.rows_outside()
        if rows is None or sum(map(len, found)) + len(rows) > most:
            return None
        found.append(rows.cpu())
    return torch.cat(found).unique()  # type: ignore[no-untyped-call] # torch leaves it untyped


def _certain(draw: int) -> float:
    return float(0.8 * LARGEST * 1e12 ** (1 / draw))


def _is_within(off: Tensor, limit: Tensor) -> bool:
    """Whether no element is outside: by a difference, which takes a third of the time of a comparison."""
    if not off.numel():
        return True
    # Where both are infinite the difference is NaN, and all are compared.
    return float((off - limit).amax()) <= 0 or bool((off <= limit).all())
