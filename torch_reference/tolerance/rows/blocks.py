"""The whole in blocks of rows that a processor keeps at hand, and all its sums from those of the blocks."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from torch_reference.tolerance.gradient_sums import OVER_ROWS

BLOCK = 2**17
"""So many numbers are looked at at once: a processor keeps them nearly at hand, with what is made of them. Of
fewer, the calls take longer than what they do."""


def in_blocks(whole: Tensor) -> tuple[Tensor, ...]:
    """All of it, each block with two rows at least, as a single one has no sum over rows."""
    number = max(1, min(len(whole) // 2, -(-whole.numel() // BLOCK)))
    return whole.tensor_split(number)


def joined(parts: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The sums of all: those over the rows of each block add up, the others stand one after another."""
    first, *others = parts
    every = {which: [first[which], *(other[which] for other in others)] for which in first}
    return {
        which: torch.stack(each).sum(0) if which in OVER_ROWS else torch.cat(each)
        for which, each in every.items()
    }


def mean_of_rows(squares: Tensor) -> Tensor:
    """Of the squares of each row.

    Shapes: as many dimensions as before
    """
    rows = squares.flatten(1).sum(1) if squares.ndim > 1 else squares
    return rows.view(-1, *(1,) * (squares.ndim - 1)) / (squares.numel() // len(squares))


def added_up(weights: Tensor, block: Tensor) -> Tensor:
    """The rows of a block times their weights, added up: a product, which takes less time than a sum does.

    Shapes: weights, one for each row, or several rows of such; as many results, each of a row's shape
    """
    rows = block.reshape(len(block), -1)
    return (weights @ rows).reshape((*weights.shape[:-1], *block.shape[1:]))
