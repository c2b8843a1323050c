"""The one place at which the links ask the tolerance: expected values and bounds for named gradients."""

from collections.abc import Callable, Mapping

from torch import Tensor

from torch_reference.comparison import Row
from torch_reference.tolerance.verdicts import Tolerance

FEWEST = 3
"""After so many draws a bound means something."""

Tensors = Mapping[str, Tensor]


def rows(manual: Tensors, reference: Callable[[Tensors], Tensors], inputs: Tensors) -> dict[str, Row]:
    """One row per name: each manual gradient against the reference in float64, within what rounding explains.

    Shapes: manual[name] has the shape of the reference's; inputs hold the upstream gradients and decide, by
            their dtypes, whose roundings are meant
    """
    return Tolerance(reference, inputs).rows(manual, FEWEST, blunt=False)
