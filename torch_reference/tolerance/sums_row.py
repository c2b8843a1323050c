"""The row of a gradient whose elements agree and whose sums do not."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict, compare
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.kinks import Hull


def row_of_sum(row: Row, value: Tensor, expected: Tensor, hulls: Mapping[str, Hull]) -> Row | None:
    """The row of the sum that is furthest outside of its bound; None where all are inside.

    Shapes: value and expected alike; hulls[which] has the shape of that sum, and is that of the differences
            from the expected values: the difference of two long sums would round
    """
    found = None
    totals = dict(sums(expected, expected))
    for which, off in sums(difference(value, expected), expected):
        nearest = hulls[which].nearest(off)
        if bool(((off - nearest).abs() <= hulls[which].bound).all()):
            continue  # it agrees, or nothing bounds it
        [other] = compare(
            {row.name: off - nearest}, {row.name: torch.zeros_like(off)}, {row.name: hulls[which].bound}
        )
        is_known = other.verdict is not Verdict.NO_BOUND  # else the elements alone tell
        if is_known and not other.agrees and (found is None or (other.ratio or 0.0) > (found.ratio or 0.0)):
            found = replace(
                other,
                part=which,
                manual=(totals[which] + off)[other.index].item(),
                reference=(totals[which] + nearest)[other.index].item(),
                elements=row.elements,
                wrong_elements=0,
                explanation=f"each element is within its rounding, but not the {which}",
            )
    return found
