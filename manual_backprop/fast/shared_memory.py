"""Which tensors share memory: what is written twice, or while it is still read, is silently wrong."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

WORD = 4
"""Bytes: the smallest element of what is looked at, and every element is a whole number of them."""


def share_memory(written: Iterable[Tensor], read: Iterable[Tensor] = ()) -> bool:
    """Whether an element that is written is written a second time, or read by another name.

    Tensors without memory, as on the meta device, share none.
    """
    written = [tensor for tensor in written if start_of(tensor)]
    read = [tensor for tensor in read if start_of(tensor)]
    if not _may_overlap(written, read):
        return False
    if all(tensor.is_contiguous() for tensor in (*written, *read)):
        return True
    # Such as the columns of one matrix, which lie between each other.
    words = torch.cat([_words(tensor) for tensor in written])
    if (words.sort().values.diff() == 0).any():
        return True
    return bool(read) and bool(torch.isin(words, torch.cat([_words(tensor) for tensor in read])).any())


def start_of(tensor: Tensor) -> int:
    """The address of the first element; 0 for a tensor that has no memory."""
    try:
        return tensor.data_ptr()
    except RuntimeError:  # a tensor of torch.func
        return 0


def _may_overlap(written: Sequence[Tensor], read: Sequence[Tensor]) -> bool:
    """Whether what is written lies between the first and the last element of another one, or of itself."""
    extents = []
    for tensors, is_written in ((written, True), (read, False)):
        for tensor in tensors:
            if is_written and not tensor.is_contiguous() and _may_lie_across_itself(tensor):
                return True
            start = tensor.data_ptr()
            extents.append((start, start + _extent(tensor), is_written))
    return overlap(extents)


def overlap(extents: list[tuple[int, int, bool]]) -> bool:
    """Whether one of these stretches of memory, each from its start to its end, is written and meets another.

    Formula: (start, end, whether it is written), in any order
    """
    end_of_written = end_of_all = 0
    for start, end, is_written in sorted(extents):
        if start < (end_of_all if is_written else end_of_written):
            return True
        if end > end_of_all:
            end_of_all = end
        if is_written and end > end_of_written:
            end_of_written = end
    return False


def _may_lie_across_itself(tensor: Tensor) -> bool:
    """Unless each dimension's step is longer than all that the smaller steps reach."""
    reached = 0
    for step, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and step <= reached:
            return True
        reached += (size - 1) * step
    return False


def _extent(tensor: Tensor) -> int:
    """Bytes from the first element to the end of the last."""
    if tensor.is_contiguous():
        return tensor.numel() * tensor.itemsize
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))
    return (last + 1) * tensor.itemsize


def _words(tensor: Tensor) -> Tensor:
    """The address of every word of every element."""
    words = torch.arange(0, tensor.itemsize, WORD, device="cpu") + tensor.data_ptr()
    for size, step in zip(tensor.shape, tensor.stride(), strict=True):
        words = words.unsqueeze(-1) + torch.arange(size, device="cpu") * (step * tensor.itemsize)
    return words.flatten()
