"""What all rows have in common in each column, as the offset of a layer norm; what is beside it is rounded.

Of y = h · gain + offset an element may be nothing where h · gain is not, and has been rounded as that was.
So bounds are relative to how far an element is from its column's mean, too, and not only to the element:
the mean is that of the rows, each divided by its own root mean square, or one row would tell of others.
"""

import torch
from torch import Tensor

STANDARD_ERRORS = 5
"""A mean is known to so many, but for one column in two million."""


def offsets(mean: Tensor, square: Tensor, count: int) -> Tensor | None:
    """Those of so many rows, in parts of their root mean squares; None where no column has one.

    Shapes: the means over all rows of their numbers, and of the squares of these, in the same parts
    """
    squared = mean * mean
    return mean if bool((count * squared > STANDARD_ERRORS**2 * (square - squared)).any()) else None


def away(block: Tensor, rows: Tensor, means: Tensor) -> Tensor:
    """How far each element is from its column's part of its row.

    Shapes: rows, the root mean square of each, with as many dimensions as the block; found, the block's
    """
    return torch.addcmul(block, rows, means, value=-1).abs_()
