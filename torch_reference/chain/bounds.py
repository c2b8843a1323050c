"""The one place at which the links ask the tolerance: expected values and bounds for named gradients."""

import math
from collections.abc import Callable, Mapping

from torch import Tensor

from torch_reference.comparison import Row, compare
from torch_reference.tolerance.sensitivity import growing_bounds

FEWEST = 3
"""After so many draws a bound means something."""

Tensors = Mapping[str, Tensor]


def rows(manual: Tensors, reference: Callable[[Tensors], Tensors], inputs: Tensors) -> dict[str, Row]:
    """One row per name: each manual gradient against the reference in float64, within what rounding explains.

    Shapes: manual[name] has the shape of the reference's; inputs hold the upstream gradients and decide, by
            their dtypes, whose roundings are meant
    """
    exact = {name: value.double() for name, value in manual.items()}
    found: list[Row] = []
    for draw, (expected, bounds) in enumerate(growing_bounds(reference, inputs), start=1):
        found = compare(exact, {name: expected[name] for name in exact}, bounds)
        certain = (
            math.inf if draw < FEWEST else 6.4 * 1e12 ** (1 / draw)
        )  # as judging does, and for its reasons
        if all(row.agrees or (row.ratio or 0.0) > certain for row in found):
            break
    return {row.name: row for row in found}
