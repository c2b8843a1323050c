"""The verdict on numbers: agrees, loses digits, differs, or inconclusive.

*Agrees*: every element and every sum of the gradient is within what the ordinary rounding of the precision
explains (movement.py), on one side of a kink or between them (kinks.py). *Loses digits*: beyond that, but
within what is explained when every operation, and every addition of a sum, rounds to the inputs' precision.
*Inconclusive*: agrees, but the tolerance itself is a considerable part of what the backward pass adds up, so
that a wrong one might agree as well. Everything else *differs*.
"""

from collections.abc import Collection
from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict, compare
from torch_reference.tolerance.agreeing_rows import as_pytorchs_own, bluntness, near_row, size_of_bounds
from torch_reference.tolerance.differences import adds_up, as_meant, difference, is_too_large
from torch_reference.tolerance.gradient_sums import looks_random, sums
from torch_reference.tolerance.kinks.hulls import Hull
from torch_reference.tolerance.kinks.sides import Sides
from torch_reference.tolerance.movement import DRAWS, Movement, Reference, Tensors
from torch_reference.tolerance.own_code.aside import Aside
from torch_reference.tolerance.own_code.in_float64 import Derive
from torch_reference.tolerance.rounding.roundings import FINE, unit
from torch_reference.tolerance.second_look import sizes_of_terms, take_equal_values, take_flushed
from torch_reference.tolerance.sides_row import row_between_sides
from torch_reference.tolerance.sums_row import row_of_sum
from torch_reference.tolerance.unfinished import Unfinished

AHEAD = (3.1, 2.2, 1.9, 1.7)
"""The largest of all draws' movements is so many times that of one, two, three or four draws, on average."""
WORST_DRAWS = 8
MANY, STANDS_OUT = 100, 8.0
"""Of so many elements or more, none is so many times as far off as all are in the root of the mean square."""
BLUNT_DRAWS, BLUNT_PART = 8, 0.25
"""The draws after which a tolerance may be called blunt, and the part of the terms from which on it is."""
Allowed = tuple[float, tuple[str, ...], bool]  # rtol, accept, blunt

LOSES_DIGITS = (
    "beyond the ordinary rounding of this precision, but within its worst case: a sum accumulated in 16 "
    "bits, or a cancellation. To mend it: accumulate in float32 and convert once, at the end"
)
INCONCLUSIVE = (
    "within rounding, but so would a wrong one be: rounding alone explains a quarter of what it is added up "
    "from; compare in a higher precision, or where less cancels"
)


class Tolerance:
    """What is known of a reference at one point (`movement`): asked once, judged by as often as one likes."""

    def __init__(self, reference: Reference, inputs: Tensors, movement: Movement | None = None) -> None:
        """Evaluate the reference exactly, unless that is done; whatever else is needed is made when it is."""
        self.movement, self.is_smooth = movement or Movement(reference, inputs), False
        self.agreed, self.besides = dict[str, tuple[Tensor, Allowed, Row]](), dict[str, Tensor]()

    def rows(
        self,
        actual: Tensors,
        fewest: int = 4,
        rtol: float = 0.0,
        accept: Collection[str] = (),
        blunt: bool = True,
        plainly: bool = False,
        coarsely: bool = False,
        derive: Derive | None = None,
    ) -> dict[str, Row]:
        """One row for each of the actual values, which have the reference's names and shapes.

        The bounds grow from draw to draw, so that what is right is done after a few, and what is wrong, whose
        row is to show a bound that means something, after the fewest draws. rtol is allowed besides, of each
        element; accept names verdicts that count as agreement; without blunt, none is inconclusive; plainly,
        what differs is not looked at twice, and a few draws foretell all; coarsely, what is near the largest
        element agrees; derive makes anew what is judged, of other inputs.
        """
        allowed = (rtol, tuple(accept), blunt)
        # Most ways of calling return the same numbers, bit for bit.
        found = {
            name: self.agreed[name][2]
            for name, value in actual.items()
            if name in self.agreed and _is_same(self.agreed[name], value, allowed)
        }
        if coarsely:
            right = self.movement.expected
            near = ((name, near_row(name, value, right[name])) for name, value in actual.items())
            found = {name: row for name, row in near if row} | found
        actual = {name: value for name, value in actual.items() if name not in found}
        unfinished = {key: Unfinished(self.movement, key, actual[key], rtol, plainly) for key in actual}
        most = len(AHEAD) if plainly else DRAWS
        for draw in range(1, most + 1 if actual else 1):
            self.movement.at_least(draw)
            settled = [name for name, one in unfinished.items() if one.is_settled(draw, fewest)]
            unfinished = {name: one for name, one in unfinished.items() if name not in settled}
            if not unfinished:
                break
        for name in actual if plainly and self.movement.draws <= most else ():
            self.movement.moved[name] = AHEAD[self.movement.draws - 1] * self.movement.moved[name]
        aside = Aside(self.movement, derive)
        for name, value in actual.items():
            row = self._against(self.movement, name, value, rtol)
            for taken in () if plainly else (take_equal_values, take_flushed):
                if row.verdict is Verdict.DIFFERS and taken(self.movement, row):
                    row = self._against(self.movement, name, value, rtol)
            row = row if plainly else self._row(row, name, value, allowed, aside)
            found[name] = replace(row, bluntness=bluntness(self.movement, name)) if row.agrees else row
            if found[name].agrees:
                self.agreed[name] = value.detach().clone(), allowed, found[name]
        return found

    def _row(self, row: Row, name: str, value: Tensor, allowed: Allowed, aside: Aside) -> Row:
        (rtol, accept, blunt), self.besides[name] = allowed, value
        if row.verdict is Verdict.DIFFERS and self._may_have_sides(name, value, rtol, aside):
            row, self.besides[name] = row_between_sides(self.sides, row, value, rtol)
        if row.verdict is Verdict.DIFFERS:
            row = as_pytorchs_own(self.movement, row, value)
        if row.verdict is Verdict.DIFFERS and self._is_within_the_worst_case(name, self.besides[name], rtol):
            row = replace(row, verdict=Verdict.LOSES_DIGITS, explanation=LOSES_DIGITS)
        if row.agrees and blunt and self.is_blunt(name, value):
            row = replace(row, verdict=Verdict.INCONCLUSIVE, explanation=INCONCLUSIVE)
        if row.agrees and rtol:
            row = replace(row, explanation=f"agrees within a relative error of {rtol:g}, which is allowed")
        if row.verdict.value in accept and not row.agrees:
            row = replace(row, verdict=Verdict.AGREES, explanation=f"{row.verdict}, which is accepted")
        return row

    def _against(self, movement: Movement, name: str, value: Tensor, rtol: float) -> Row:
        expected = movement.expected[name]
        bound = movement.bound(name).add_(expected.abs(), alpha=rtol)
        [row] = compare({name: as_meant(value, expected)}, {name: expected}, {name: bound})
        if not row.agrees:
            return row
        allowed = dict(sums(expected.abs(), expected.abs())) if rtol else {}
        hull = {
            which: Hull(
                torch.zeros_like(limit), torch.zeros_like(limit), limit + rtol * allowed.get(which, 0.0)
            )
            for which, limit in movement.sum_bounds(name).items()
        }
        return row_of_sum(row, value, expected, hull) or row

    def _may_have_sides(self, name: str, value: Tensor, rtol: float, aside: Aside) -> bool:
        """Whether a choice of sides may explain what differs, as it is not as far off beside all kinks."""
        if self.is_smooth or value.is_complex():
            return False
        there = aside.off_there_as_well(name, value)
        return self._against(self.movement, name, there, rtol).verdict is not Verdict.DIFFERS

    @cached_property
    def sides(self) -> Sides:
        """The reference on the other sides of a kink."""
        return Sides(self.movement, self.is_smooth)

    @cached_property
    def _worst(self) -> Movement:
        here = self.movement
        return Movement(here.reference, here.inputs, held=here.decisions, worst=True)

    def _is_within_the_worst_case(self, name: str, value: Tensor, rtol: float) -> bool:
        if unit(self.movement.coarsest) <= unit(FINE):  # whose sums are allowed that much anyway
            return False
        expected = self.movement.expected[name]
        if not looks_random(off := difference(value, expected), expected):
            return False
        unfinished = Unfinished(self._worst, name, value, rtol)
        for draw in range(1, WORST_DRAWS + 1):
            self._worst.at_least(draw)
            if unfinished.is_settled(draw, 1):
                break
        if not self._against(self._worst, name, value, rtol).agrees:
            return False
        # Roundings are everywhere: an element that stands out is another matter. After few draws many would.
        self._worst.at_least(WORST_DRAWS)
        parts = off.abs() / self._worst.moved[name].clamp(min=torch.finfo(torch.float64).tiny)
        return parts.numel() < MANY or bool(parts.max() <= STANDS_OUT * parts.square().mean().sqrt())

    def is_blunt(self, name: str, value: Tensor) -> bool:
        """Whether the tolerance is a considerable part of what is added up, or infinity of the elements."""
        bounds, size = size_of_bounds(self.movement, name)
        expected = self.movement.expected[name]
        if not adds_up(value) and is_too_large(value, expected).double().mean() > BLUNT_PART:
            return True
        if not bounds > BLUNT_PART / 2 * size:  # after one draw most are a half of what they will be
            return False
        # What is exact to its last rounding in every element needs no tolerance.
        off = difference(value, expected).abs()
        if bool((off <= self.movement.last_rounding(name)).all()):
            return False
        self.movement.at_least(BLUNT_DRAWS)
        bound = self.movement.bound(name).sum()
        return bool(bound > BLUNT_PART * size) and bool(
            bound > BLUNT_PART * sizes_of_terms(self.movement, name).sum()
        )


def _is_same(known: tuple[Tensor, Allowed, Row], value: Tensor, allowed: Allowed) -> bool:
    """Whether these numbers have been judged before, with the same allowances."""
    return known[1] == allowed and known[0].dtype == value.dtype and torch.equal(known[0], value)
