"""Mini-batches: every epoch sees every row once, in an order that the seed and the epoch decide."""

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor


def batches(rows: int, batch_size: int, seed: int, epoch: int) -> Iterator[Int[Tensor, " batch"]]:
    """The row numbers of each mini-batch of an epoch, shuffled; the last one may be smaller.

    The order is drawn anew from (seed, epoch) and from nothing else, so that a run that is resumed at an
    epoch sees the mini-batches that an uninterrupted one sees.

    Shapes:  each (batch), on the CPU
    Errors:  ValueError for no rows, or a batch size below 1

    >>> [len(rows) for rows in batches(rows=10, batch_size=4, seed=0, epoch=0)]
    [4, 4, 2]
    >>> sorted(row for rows in batches(rows=10, batch_size=4, seed=0, epoch=1) for row in rows.tolist())
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    if rows < 1:
        raise ValueError(f"training needs at least one row, found {rows}")
    if batch_size < 1:
        raise ValueError(f"the batch size must be at least 1, found {batch_size}")
    # torch's generator on the CPU reads 32 bits. An odd factor leaves every seed its own, and one near
    # 2**32 / 1.618 puts the epochs of neighbouring seeds far from each other (Knuth, volume 3, 6.4).
    generator = torch.Generator().manual_seed((0x9E3779B1 * seed + epoch) % 2**32)
    yield from torch.split(torch.randperm(rows, generator=generator, device="cpu"), batch_size)
