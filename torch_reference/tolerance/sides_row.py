"""The row of a gradient at a kink or a tie: between its sides anything is right."""

from dataclasses import replace

from torch import Tensor

from torch_reference.comparison import Row, Verdict, compare
from torch_reference.tolerance.differences import as_meant, difference
from torch_reference.tolerance.kinks.beside import Side
from torch_reference.tolerance.kinks.towards import hulls_towards
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.sums_row import row_of_sum

AT_A_TIE = (
    "beyond what the reference gives on any side of the tie that was looked at, but there are many, and one "
    "that was not may give it; compare where fewer numbers are equal"
)


def row_between_sides(
    movement: Movement, sides: list[Side], name: str, value: Tensor, rtol: float
) -> tuple[Row, Tensor]:
    """(the row of a value against what lies between the sides; the value as it were beside no kink).

    The row is inconclusive where others may reach the value.
    Shapes: the values have that of the gradient
    """
    right = movement.expected[name]
    value = as_meant(value, right)
    elements, totals = hulls_towards(movement, sides, name, value)
    expected = elements.nearest(value)
    [row] = compare({name: value}, {name: expected}, {name: elements.bound + rtol * expected.abs()})
    beside = right + difference(value, expected)
    if not row.agrees and not elements.is_open(value):
        return row, beside
    of_sum = row_of_sum(row, value, right, totals)
    if row.agrees or of_sum:
        return of_sum or row, beside
    return replace(row, verdict=Verdict.INCONCLUSIVE, explanation=AT_A_TIE), beside
