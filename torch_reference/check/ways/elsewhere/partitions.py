"""What adds up to a whole at any point: the sizes of groups, to a number of rows, and shares, to 1.

Experts have tokens, and sequences of several lengths are one after another: their sizes, or where they begin,
part the rows of other tensors. A group may have no member. Of soft targets each row adds up to 1: a slope
is p - t there alone. The cosines of a rotation are its angles' twice: a function may read one half alone.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
ROWS = (0, 1)
"""The dimensions that are parted: the first one, or the second after one of a single number."""


class Partition(NamedTuple):
    """Whether they are the places where groups begin, with the end of the last one, or else their sizes.

    source and dim are of which tensor's dimension.
    """

    are_starts: bool
    source: str
    dim: int


def partitions(inputs: Tensors) -> dict[str, Partition]:
    """By the names of integers that part the rows of floating-point tensors, what they part.

    >>> x, sizes, t = torch.zeros(6, 2), torch.tensor([2, 1, 3]), torch.tensor([5, 2])
    >>> list(partitions({"x": x, "sizes": sizes, "t": t}))
    ['sizes']
    """
    rows = {
        (name, dim): value.shape[dim]
        for name, value in inputs.items()
        if value.is_floating_point()
        for dim in ROWS[: value.ndim]
        if dim == 0 or value.shape[0] == 1
    }
    found = {}
    for name, value in inputs.items():
        if value.dtype not in (torch.int32, torch.int64) or value.ndim != 1 or not value.numel() > 1:
            continue
        steps = value.diff()
        are_starts = int(value[0]) == 0 and bool((steps >= 0).all())
        for (source, dim), length in rows.items():
            is_last = are_starts and int(value[-1]) == length
            # One number for each row is a target of it rather.
            are_sizes = value.numel() != length and bool((value >= 0).all()) and int(value.sum()) == length
            if length > 1 and (is_last or are_sizes):
                found[name] = Partition(is_last, source, dim)
                break
    return found


def parted(given: Tensors, inputs: Tensors) -> dict[str, Tensor]:
    """The inputs, whose integers part the rows that they have now, whose shares add up to 1, and whose halves
    are alike, as given.

    >>> given = {"x": torch.zeros(6, 2), "sizes": torch.tensor([2, 1, 3])}
    >>> parted(given, {**given, "x": torch.zeros(9, 2)})["sizes"]
    tensor([2, 1, 6])
    >>> parted(given, {**given, "x": torch.zeros(1, 2)})["sizes"]
    tensor([1, 0, 0])
    >>> parted({"t": torch.tensor([[0.25, 0.25, 0.5]])}, {"t": torch.tensor([[0.25, 0.25]])})["t"]
    tensor([[0.5000, 0.5000]])
    """
    found = {
        name: _halved_anew(given[name], _shared_anew(given[name], value)) for name, value in inputs.items()
    }
    for name, part in partitions(given).items():
        length = inputs[part.source].shape[part.dim]
        is_as_it_was = length == given[part.source].shape[part.dim] and inputs[name] is given[name]
        ends = _ends(inputs[name], part)
        if is_as_it_was or not ends.numel():
            continue
        ends = ends.cummax(0)[0].clamp(max=length)
        ends[-1] = length
        found[name] = _of_ends(ends, part).to(given[name].dtype)
    return found


def _shared_anew(given: Tensor, value: Tensor) -> Tensor:
    """The value, its rows adding up to 1 where those given did and have another length."""
    if not given.ndim or value.shape[-1:] == given.shape[-1:] or not value.numel() or not _are_shares(given):
        return value
    total = value.sum(-1, keepdim=True)
    first = torch.zeros_like(value).index_fill_(-1, torch.tensor([0], device=value.device), 1.0)
    return torch.where(total > 0, value / total, first)


def _halved_anew(given: Tensor, value: Tensor) -> Tensor:
    """The value, its halves alike, or of opposite signs, where those given were and have another length."""
    if not given.is_floating_point() or not given.ndim or value.shape[-1] == given.shape[-1]:
        return value
    if value.shape[-1] % 2 or given.shape[-1] < 2:
        return value
    one, other = given.chunk(2, -1)
    if not (torch.equal(one, other) or torch.equal(one, -other)):
        return value
    half = value.chunk(2, -1)[0]
    return torch.cat([half, half if torch.equal(one, other) else -half], -1)


def _are_shares(value: Tensor) -> bool:
    if not value.is_floating_point() or value.shape[-1] < 2 or not value.numel() or bool((value < 0).any()):
        return False
    off = (value.double().sum(-1) - 1).abs().amax()
    return bool(off <= torch.finfo(value.dtype).eps * value.shape[-1])


def with_empty_groups(
    inputs: Tensors, names: Mapping[str, Partition], all_in_the_first: bool
) -> dict[str, Tensor]:
    """The first group empty, or all groups but the first one."""
    found = dict(inputs)
    for name, part in names.items():
        ends = _ends(inputs[name], part)
        if all_in_the_first:
            ends[:] = ends[-1].clone()
        else:
            ends[0] = 0
        found[name] = _of_ends(ends, part).to(inputs[name].dtype)
    return found


def without_the_last_row(inputs: Tensors, names: Mapping[str, Partition]) -> dict[str, Tensor]:
    """The last group, and those that end where it does, one shorter: a row after it belongs to none."""
    found = dict(inputs)
    for name, part in names.items():
        ends = _ends(inputs[name], part)
        ends = ends.clamp(max=ends[-1] - 1)
        found[name] = _of_ends(ends, part).to(inputs[name].dtype)
    return found


def _ends(value: Tensor, part: Partition) -> Tensor:
    return value[1:].clone() if part.are_starts else value.cumsum(0)


def _of_ends(ends: Tensor, part: Partition) -> Tensor:
    starts = torch.cat([ends.new_zeros(1), ends])
    return starts if part.are_starts else starts.diff()
