"""The row of a gradient at a kink or a tie: between its sides anything is right."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from torch_reference.comparison import Row, Verdict, compare
from torch_reference.tolerance.differences import as_meant, difference
from torch_reference.tolerance.kinks.hulls import AT_LEAST, Hull, hulls
from torch_reference.tolerance.kinks.kept import without_what_is_kept
from torch_reference.tolerance.kinks.sides import Sides
from torch_reference.tolerance.kinks.towards import hulls_towards
from torch_reference.tolerance.sums_row import row_of_sum

AT_A_TIE = (
    "beyond what the reference gives on any side of the tie that was looked at, but there are many, and one "
    "that was not may give it; compare where fewer numbers are equal"
)


def row_between_sides(sides: Sides, row: Row, value: Tensor, rtol: float) -> tuple[Row, Tensor]:
    """(the row of a value against what lies between the sides; the value as it were beside no kink).

    The row as it was where there are none, and inconclusive where others may reach the value. Most is known
    to agree after few of them.
    Shapes: the values have that of the gradient
    """
    movement, name = sides.movement, row.name
    right = movement.expected[name]
    own = as_meant(value, right)
    for few_sides in sides.few():
        elements, totals = hulls(movement, few_sides, name, AT_LEAST)
        there = (side.movement.expected[name] for side in few_sides)
        totals = without_what_is_kept(totals, elements, there, right, own)
        few, _ = _between(elements, totals, row, own, right, rtol)
        if few.agrees:
            return few, value
    if not sides.every:
        return row, value
    elements, totals = hulls_towards(movement, sides.every, name, own)
    found, is_of_sum = _between(elements, totals, row, own, right, rtol)
    if not found.agrees and not is_of_sum and elements.is_open(own):
        found = replace(found, verdict=Verdict.INCONCLUSIVE, explanation=AT_A_TIE)
    # What equals share in another way than any side has it is no matter of kinks.
    nearest = elements.nearest(own)
    is_a_side = row_of_sum(row, nearest, right, totals) is None
    return found, right + difference(own, nearest) if is_a_side else value


def _between(
    elements: Hull, totals: Mapping[str, Hull], row: Row, value: Tensor, right: Tensor, rtol: float
) -> tuple[Row, bool]:
    """(the row of a value beside what is nearest to it in these hulls, whether it is that of a sum)."""
    expected, name = elements.nearest(value), row.name
    bound = elements.bound + rtol * expected.abs()
    [found] = compare({name: value}, {name: expected}, {name: bound})
    of_sum = row_of_sum(found, value, right, totals) if found.agrees or elements.is_open(value) else None
    return of_sum or found, of_sum is not None
