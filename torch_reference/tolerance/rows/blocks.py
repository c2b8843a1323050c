"""The whole in blocks of rows that a processor keeps at hand, and what is added up from block to block."""

from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.tolerance.gradient_sums import sums

BLOCK = 2**16
"""So many numbers are looked at at once: a processor keeps them at hand, with what is made of them."""
FIRST = "sum over dimension 0"
"""The sum that goes over all rows, as gradient_sums.py calls it."""


class Block(NamedTuple):
    """Some rows of the whole, and of their squares the sums, the means of rows and the sums of columns."""

    values: Tensor
    sums: dict[str, Tensor]
    rows: Tensor
    columns: Tensor

    @classmethod
    def of(cls, values: Tensor, largest: float) -> "Block":
        squares = values.square()
        return cls(values, dict(sums(squares, squares, largest**2)), mean_of_rows(squares), squares.sum(0))


class Total:
    """A sum over the rows, and that of the squares, of which blocks are added."""

    def __init__(self) -> None:
        self.off, self.squares = torch.zeros(()), torch.zeros(())

    def add(self, off: Tensor, squares: Tensor) -> None:
        self.off, self.squares = self.off.to(off.device) + off, self.squares.to(off.device) + squares


def in_blocks(whole: Tensor, largest: float) -> list[Block]:
    """All of it, each block with two rows at least, as a single one has no sum over rows."""
    number = max(1, min(len(whole) // 2, -(-whole.numel() // BLOCK)))
    return [Block.of(values, largest) for values in whole.tensor_split(number)]


def mean_of_rows(squares: Tensor) -> Tensor:
    """Of the squares of each row.

    Shapes: as many dimensions as before
    """
    dims = tuple(range(1, squares.ndim))
    return squares.mean(dims, keepdim=True) if dims else squares
