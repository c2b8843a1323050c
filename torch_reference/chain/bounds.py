"""The one place at which the links ask the tolerance: expected values and bounds for named gradients."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.verdicts import Tolerance

Tensors = Mapping[str, Tensor]


def rows(manual: Tensors, reference: Callable[[Tensors], Tensors], inputs: Tensors) -> dict[str, Row]:
    """One row per name: each manual gradient against the reference in float64, within what rounding explains.

    Shapes: manual[name] has the shape of the reference's; inputs hold the upstream gradients and decide, by
            their dtypes, whose roundings are meant
    """
    return Tolerance(reference, inputs).rows(manual, blunt=False)


def but_for_roundings(rows: Sequence[Row], off: Sequence[float], dtype: torch.dtype) -> list[Row]:
    """The rows; beside one that is wrong by far, those that are right to half of their digits are right.

    Who writes a sigmoid as 1 / (1 + exp(-x)) in numpy, a softmax as y (g - sum(y g)), rounds otherwise than
    the calls of torch that it is made of.

    Shapes: off is how far each is from autograd's, of the size of that
    """
    far, close = max(off, default=0.0), torch.finfo(dtype).eps ** 0.5
    return [
        Row(row.name, Verdict.AGREES) if 0 < own <= close < far and far > 1e4 * own else row
        for row, own in zip(rows, off, strict=True)
    ]
