"""Inputs of other lengths: which of them go together, and what the reference takes."""

from collections.abc import Mapping

import torch
from torch import Tensor

from torch_reference.check.ways.elsewhere.partitions import parted
from torch_reference.check.ways.session import Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.cuts import Indexing
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.function_objective import FunctionObjective

PRIME = 37
"""A number of rows that no block size divides."""
LARGE = PRIME * 4096
"""Of an input of more numbers the rows are not repeated."""

Places = Mapping[str, list[int]]
"""The dimensions of tensors, by name, that have another length."""


def rows_together(session: Session) -> tuple[Places, int]:
    """Those that have rows, with what has one number for each of them where the reference takes no less."""
    largest, count = rows_of(session.data)
    if max((value.numel() for value in session.inputs.values()), default=0) > LARGE:
        return largest, count
    every = {name: [0] for name, value in session.data.items() if value.ndim and len(value) == count}
    if every.keys() == largest.keys() or takes(session, resized(session.inputs, largest, PRIME)):
        return largest, count
    return (every if takes(session, resized(session.inputs, every, PRIME)) else largest), count


def with_more_rows(session: Session) -> Tensors | None:
    """The inputs with a number of rows that no block size divides; None where the reference takes none."""
    places, count = rows_together(session)
    if not count or max(value.numel() for value in session.inputs.values()) > LARGE:
        return None
    inputs = parted(session.inputs, resized(session.inputs, places, PRIME))
    return inputs if takes(session, inputs) else None


def takes(session: Session, inputs: Tensors) -> bool:
    """Whether the reference can be called with inputs of these sizes."""
    try:
        session.objective.looked_at(parted(session.inputs, inputs), session.wanted, resized=True)
    except UserCodeError:
        return False
    return is_cut_alike(session, inputs)


def is_cut_alike(session: Session, inputs: Tensors) -> bool:
    """Whether the reference cuts into equal parts there what it cuts so as it was given.

    A rotation turns one half into the other: of an odd number it is another function, which nobody calls.
    """
    seen = session.objective.indexing
    uneven = {
        (length, count)
        for name, value in inputs.items()
        for before, length in zip(session.inputs[name].shape, value.shape, strict=False)
        if seen is not None and before != length and value.ndim == session.inputs[name].ndim
        for count in seen.parts(before)
        if length % count
    }
    if not uneven:
        return True
    try:
        with Indexing() as there:
            session.objective.looked_at(inputs, (), resized=True)
    except UserCodeError:
        return False
    sizes = {(length, 0, size) for length, count in uneven for size in (length // count, -(-length // count))}
    return not sizes & there.pieces


def has_the_same_values(
    session: Session, inputs: Tensors, objective: FunctionObjective | None = None
) -> bool:
    """Whether the reference takes these inputs, or options, and its outputs are what they were."""
    try:
        before, _ = session.objective.looked_at(session.inputs, ())
        after, _ = (objective or session.objective).looked_at(inputs, ())
    except UserCodeError:
        return False
    return are_equal(before, after)


def are_equal(one: Tensors, other: Tensors) -> bool:
    """Whether both hold the same numbers by the same names."""
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def with_its_rows(session: Session) -> list[str]:
    """The names of those that have rows: what has fewer dimensions is a gain or an offset."""
    return list(rows_of(session.data)[0])


def rows_of(inputs: Tensors) -> tuple[Places, int]:
    """(where the rows of the inputs are, how many there are)."""
    most = max((value.ndim for value in inputs.values()), default=0)
    # What has fewer dimensions is a gain or an offset for each column rather.
    largest = {name: value for name, value in inputs.items() if value.ndim == most > 0}
    lengths = [len(value) for value in largest.values()]
    count = max(lengths, key=lengths.count, default=0)  # the first of those that are as frequent
    return {name: [0] for name, value in largest.items() if len(value) == count}, count


def resized(inputs: Tensors, places: Places, size: int) -> dict[str, Tensor]:
    """The inputs with so many rows, or columns, of those that they have: some left out, or repeated."""
    found = dict(inputs)
    for name, dims in places.items():
        for dim in dims:
            value = found[name]
            kept = torch.arange(size, device="cpu") % max(value.shape[dim], 1)
            found[name] = value.index_select(dim, kept.to(value.device))
    return found
