"""The whole in blocks of rows that a processor keeps at hand, and all its sums from those of the blocks."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from torch_reference.tolerance.gradient_sums import OVER_ROWS

BLOCK = 2**15
"""So many numbers are looked at at once: a processor keeps them at hand, with what is made of them."""


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


def mean_of_rows(squares: Tensor, totals: Mapping[str, Tensor] | None = None) -> Tensor:
    """Of the squares of each row, by one of its sums where these are known.

    Shapes: as many dimensions as before
    """
    known = next((total for which, total in (totals or {}).items() if which not in OVER_ROWS), squares)
    rows = known.flatten(1).sum(1) if known.ndim > 1 else known
    return rows.view(-1, *(1,) * (squares.ndim - 1)) / (squares.numel() // len(squares))
