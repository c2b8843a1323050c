"""A value that is being judged: after how many draws its verdict is certain."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from torch_reference.tolerance.certainty import certain, certain_with_coarse
from torch_reference.tolerance.differences import adds_up, difference
from torch_reference.tolerance.gradient_sums import OVER_ROWS, sums
from torch_reference.tolerance.movement import FACTOR, LAST, Movement
from torch_reference.tolerance.rounding.roundings import SPREAD, unit
from torch_reference.tolerance.second_look import COARSE_DRAWS, coarse_movements

STILL = 40
"""Draws in all of which a result stays where it is with a probability of 1e-12: in each, of a half."""

ENDS = FACTOR * SPREAD + 2
"""So many u of an element that is rounded last are within its bound: in one of all draws that rounding is one
deviation or more, with a probability of 1 - 1e-8, and whatever else moves it makes it no less likely."""


class Unfinished:
    """The part of a value's difference that its last rounding does not explain, and that of its sums."""

    def __init__(
        self, movement: Movement, name: str, value: Tensor, rtol: float = 0.0, plainly: bool = False
    ) -> None:
        """Compute what stays the same from draw to draw; plainly, where all is known to be wrong anyway."""
        self.movement, self.name, self.rtol, self.plainly = movement, name, rtol, plainly
        self.value, expected = value, movement.expected[name]
        off = difference(value, expected)
        self.sums = {which: total.abs() for which, total in movement.known[name].sums(off)}
        if rtol:
            for which, size in sums(expected.abs(), expected.abs()):
                self.sums[which] -= rtol * size
        self.elements = off.abs() if off.is_complex() else off.abs_()
        self.last: Tensor | None = None

    def is_settled(self, draw: int, fewest: int) -> bool:
        """Whether it is within its bounds, or so far outside that it is certain to stay there.

        certainty.py says how far that is. What has not moved at all, or by the last operation alone, proves
        nothing before STILL draws, unless it is as still under coarse roundings, or nothing in the reference
        rounds. Of COARSE_DRAWS of these it is enough that they explain as little as the draws do.
        """
        self._reduce()
        # The two draws of a pair may be alike, as those of what one half alone moves are.
        independent = 4 if self.plainly else max(draw - self.movement.is_paired, 1)
        far = torch.inf if draw < fewest else certain(independent)
        triples = self._triples()
        within = [_is_within(off, limit) for off, limit, _ in triples]
        if all(within):
            return True
        if draw < fewest and not self.movement.is_exact:
            return False
        is_outside = not all(_is_within(off, limit, far) for off, limit, _ in triples)
        if self.movement.is_exact or self.plainly or draw >= STILL or not is_outside:
            return is_outside
        outside = [~(off <= far * limit) | ~off.isfinite() for off, limit, _ in triples]
        # What is wrong by more than all digits is told by the first of them.
        most = min(draw, COARSE_DRAWS)
        return any(self._is_far(outside, triples, draws, independent) for draws in range(1, most + 1))

    def is_decided(self) -> bool:
        """Whether each element is within its bound or certain to stay outside, and one is.

        What has moved little so far is neither. Sums are told of where no element is wrong.
        """
        self._reduce()
        draws = max(self.movement.draws - self.movement.is_paired, 1)
        coarsely = coarse_movements(self.movement, min(draws, COARSE_DRAWS))[0][self.name]
        off, moved = self.elements, self.movement.moved[self.name]
        far = torch.maximum(certain(draws) * moved, certain(min(draws, COARSE_DRAWS)) * coarsely)
        outside, stays = off > FACTOR * moved, (moved > 0) & (off > FACTOR * far)
        return bool(outside.any()) and not bool((outside & ~stays).any())

    def _triples(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Of the elements, and of each sum: how far off it is, its bound, and how far it has moved."""
        moved = self.movement.moved[self.name]
        limits, moved_sums = self.movement.sum_bounds(self.name), self.movement.moved_sums[self.name]
        found = [(self.elements, FACTOR * moved, moved)]
        return found + [(total, limits[which], moved_sums[which]) for which, total in self.sums.items()]

    def _is_far(
        self, outside: list[Tensor], triples: list[tuple[Tensor, Tensor, Tensor]], draws: int, draw: int
    ) -> bool:
        """Whether something outside is so far off that coarse roundings do not explain it either."""
        elements, totals = coarse_movements(self.movement, draws)
        coarse = [elements[self.name], *(totals[self.name][which] for which in self.sums)]
        last = draws == COARSE_DRAWS
        far = FACTOR * (certain(draw) if last else certain_with_coarse(draw, draws))
        return any(
            bool((out & (((off > far * by) & _is_known(moved, by, last)) | ~off.isfinite())).any())
            for out, (off, _, moved), by in zip(outside, triples, coarse, strict=True)
        )

    def rows_outside(self) -> Tensor | None:
        """The rows with a number, or a sum, that is outside of its bound so far; None where others are, too.

        Where the last operation rounds, the bound after all draws is certain to be ENDS u of the element.
        """
        movement, name = self.movement, self.name
        size, last = movement.expected[name].abs(), 2 * unit(movement.dtypes[name]) + self.rtol
        bound = size.mul(last).add_(movement.moved[name], alpha=FACTOR)
        total = float(bound.sum())
        bound.clamp_(min=torch.finfo(torch.float64).tiny)  # to divide by
        self.ratio, self.bound = self.elements / bound, bound
        self.worst = _of_rows(self.ratio)
        if not math.isfinite(total) or not adds_up(self.worst):
            return None
        rows = self.worst.gt(1).nonzero().flatten()
        if movement.ends_rounded.get(name) and len(rows):
            ends = (ENDS * unit(movement.dtypes[name]) + self.rtol) * size[rows]
            bound[rows] = torch.maximum(bound[rows], ends)
            self.ratio[rows] = self.elements[rows] / bound[rows]
            self.worst[rows] = _of_rows(self.ratio[rows])
            rows = rows[self.worst[rows] > 1]
        return rows if self._sums_are_inside() else self._with_those_of_sums(rows)

    def _with_those_of_sums(self, rows: Tensor) -> Tensor | None:
        """These rows, and those whose own sums are outside; None where a sum of all others is so, too."""
        limits = self.movement.sum_bounds(self.name)
        outside = torch.zeros(len(self.value), dtype=torch.bool, device=rows.device).index_fill_(
            0, rows, True
        )
        for which, off in self.sums.items():
            if which not in OVER_ROWS:
                outside |= _of_rows(off > limits[which])
        off = difference(self.value, self.movement.expected[self.name])
        off[outside] = 0
        others = self.movement.known[self.name].sums(off)
        are_inside = all(_is_within(total.abs(), limits[which]) for which, total in others)
        return outside.nonzero().flatten() if are_inside else None

    def _sums_are_inside(self) -> bool:
        """Whether all sums are within their bounds, of which a part is known with less effort than all."""
        movement, moved = self.movement, self.movement.moved_sums[self.name]
        ends = LAST * unit(movement.dtypes[self.name])
        left = [which for which, off in self.sums.items() if not _is_within(off, FACTOR * moved[which])]
        for which in left:
            least = torch.maximum(FACTOR * moved[which], ends * movement.known[self.name].root(which))
            if not _is_within(self.sums[which], least):
                limits = movement.sum_bounds(self.name)
                return all(_is_within(self.sums[each], limits[each]) for each in left)
        return True

    def _reduce(self) -> Tensor:
        """The last rounding, taken off once the movement knows the dtype."""
        if self.last is None:
            self.last = self.movement.last_rounding(self.name)
            if self.rtol:
                self.last.add_(self.movement.expected[self.name].abs(), alpha=self.rtol)
            self.elements.sub_(self.last)
        return self.last


def are_decided(movement: Movement, values: Mapping[str, Tensor], rtol: float) -> bool:
    """Whether more draws will tell nothing more of which elements of these are wrong."""
    return all(Unfinished(movement, name, value, rtol).is_decided() for name, value in values.items())


def rows_left(values: Iterable[Unfinished], most: int) -> Tensor | None:
    """The rows that are outside in some of these; None, as soon as that is known, for more than so many."""
    found = [torch.zeros(0, dtype=torch.int64, device="cpu")]
    for one in values:
        rows = one.rows_outside()
        if rows is None or sum(map(len, found)) + len(rows) > most:
            return None
        found.append(rows.cpu())
    return torch.cat(found).unique()  # type: ignore[no-untyped-call] # torch leaves it untyped


def _is_known(moved: Tensor, coarsely: Tensor, last: bool) -> Tensor:
    """Where it is known what moves an element, or, after the last coarse draw, that nothing does."""
    return (moved > 0) | (coarsely == 0) if last else (moved > 0) & (coarsely > 0)


def _of_rows(ratio: Tensor) -> Tensor:
    return ratio.flatten(1).amax(1) if ratio.ndim > 1 else ratio.clone()


def _is_within(off: Tensor, limit: Tensor, times: float = 1.0) -> bool:
    """Whether no element is outside of so many limits: by a difference, which is three times as fast."""
    if not off.numel():
        return True
    # Where both are infinite the difference is NaN, and all are compared.
    return float(torch.sub(off, limit, alpha=times).amax()) <= 0 or bool((off <= times * limit).all())
