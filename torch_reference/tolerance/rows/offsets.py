"""What all rows have in common in each column, as the offset of a layer norm; what is beside it is rounded.

Of y = h · gain + offset an element may be nothing where h · gain is not, and has been rounded as that was.
So bounds are relative to how far an element is from its column's mean, too, and not only to the element:
the mean is that of the rows, each divided by its own root mean square, or one row would tell of others.
"""

from typing import NamedTuple

import torch
from torch import Tensor

STANDARD_ERRORS = 5
"""A mean is known to so many, but for one column in two million."""


class Offsets(NamedTuple):
    """For a row whose root mean square is one: the mean of each column, and how far that may be off.

    The mean is zero where it may be.

    Shapes: those of a row
    """

    mean: Tensor
    doubt: Tensor

    def apart(self, block: Tensor, rows: Tensor) -> Tensor:
        """How far each element is, at least, from its column's part of its row.

        Shapes: rows, the root mean square of each, with as many dimensions as the block; found, the block's
        """
        apart = torch.addcmul(block, rows, self.mean, value=-1).abs_()
        return apart.addcmul_(rows, self.doubt, value=-1).clamp_(min=0)


def offsets(mean: Tensor, square: Tensor, count: int) -> Offsets | None:
    """Those of so many rows; None where no column has one.

    Shapes: the means over all rows of their numbers, and of the squares of these, in parts of their row's
            root mean square
    """
    doubt = STANDARD_ERRORS * ((square - mean * mean).clamp_(min=0) / count).sqrt_()
    is_known = mean.abs() > doubt
    return Offsets(mean.where(is_known, 0.0), doubt) if bool(is_known.any()) else None
