"""A piece of data that is larger than memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

ROWS = 2**18
"""Observations of one block: 4 MB, of which the triangle takes a sixteenth at a time."""


@dataclass(frozen=True)
class Part:
    """A piece of the data that one process reads by itself."""

    size: int  # in bytes of its file
    blocks: Callable[[], Iterator[np.ndarray]]  # each (rows, 2): inputs and observed
    place: Callable[[int], str]  # how a message names a row of the part

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and observed of each block, float64, every number finite."""
        row = 0
        for block in self.blocks():
            with np.errstate(over="ignore"):  # a wider float that overflows is not finite: told below
                values = block.astype(np.float64, copy=False)
            finite = np.isfinite(values).all(1)
            if not finite.all():
                where = self.place(row + int(finite.argmin()))
                raise ValueError(f"{where}: expected two finite numbers, found NaN, infinity or nothing")
            row += len(values)
            inputs, observed = torch.from_numpy(values).T.contiguous()
            yield inputs, observed
