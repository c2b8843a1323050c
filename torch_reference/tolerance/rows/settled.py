"""What a sample settles of a result: which rows are within its floors, and what is said of all of them."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.differences import difference

MOST = 3
"""One row in so many may be left of all, and one in two of the first block, of which few rows are."""
SHARP = 0.5
"""No floor is used where it is more than this power of u: there each element is to be looked at by itself."""


class Settled(NamedTuple):
    """Which rows are inside of their floors, and the row of the result at the worst element of these.

    sums_hold is False where the sums over all rows are right but for those that are not inside.
    """

    inside: Tensor
    row: Row
    sums_hold: bool


def worst_row(
    name: str,
    manual: Tensor,
    right: Tensor,
    floors: Tensor,
    number: int,
    is_inside: bool,
    bluntness: float | None,
) -> Row:
    """The row of a result at the worst element of one of its rows; outside of its floors it says nothing.

    Shapes: manual, right and floors, that row alone; number is where it stands
    """
    ratios = difference(manual, right).abs() / floors
    place = int(ratios.argmax())
    own, expected, floor, ratio = (float(each.flatten()[place]) for each in (manual, right, floors, ratios))
    return Row(
        name,
        Verdict.AGREES,
        manual=own,
        reference=expected,
        difference=abs(own - expected),
        bound=floor,
        ratio=ratio if is_inside else 0.0,
        index=(number, *map(int, np.unravel_index(place, ratios.shape)[1:])),
        bluntness=bluntness,
    )


def largest_of_rows(value: Tensor) -> Tensor:
    """Of each row."""
    return value.flatten(1).amax(1) if value.ndim > 1 else value
