"""Integers and truth values: indices that are repeated or to be ignored, groups without a member, masks."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

import torch
from torch import Tensor

from torch_reference.check.ways.elsewhere.partitions import (
    Partition,
    partitions,
    with_empty_groups,
    without_the_last_row,
)
from torch_reference.check.ways.elsewhere.resizing import are_equal, has_the_same_values, with_more_rows
from torch_reference.check.ways.points import at_point, changed
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.raised_errors import UserCodeError, is_out_of_range
from torch_reference.judging.derivation_task import is_one_number
from torch_reference.layers.own_generator import own_generator

IGNORED = -100
"""The target that torch's own losses leave out."""


def with_repeated_indices(session: Session) -> Iterator[Attempt]:
    """Indices of which half are one and the same, then all, so that others occur nowhere.

    Of integers that part rows into groups one group has no member, then all but one; then the last row is in
    no group, as where sequences are padded together. At last there is no index.
    """
    parts = _parting(session)
    for what, whole in (("with a group without a member", False), ("with one group that has all", True)):
        if parts:
            yield from at_point(session, what, with_empty_groups(session.inputs, parts, whole))
    if parts:
        told = "with a last row that is in no group"
        for attempt in at_point(session, told, without_the_last_row(session.inputs, parts)):
            yield attempt._replace(may_refuse=True, own_values=True)
    others = [value for name, value in session.inputs.items() if name not in parts]
    if any(_is_index(value) and value.numel() > 1 for value in others):
        yield from changed(session, "at repeated indices", _skewed, stay=tuple(parts))
        yield from changed(session, "at one index everywhere", _all_the_largest, stay=tuple(parts))
    for name, value in session.inputs.items():
        if value.dtype == torch.int64 and value.ndim == 1 and value.numel() and name not in parts:
            yield from _without_any(session, name)


def _without_any(session: Session, name: str) -> Iterator[Attempt]:
    """No index, with what it indexes as it was, or with no row of all that have one for each index."""
    length = len(session.inputs[name])
    together = {each: value[:0] for each, value in session.inputs.items() if value.shape[:1] == (length,)}
    for empty in ({name: together[name]}, together):
        for attempt in at_point(session, f"without an index in {name}", {**session.inputs, **empty}):
            yield attempt._replace(may_refuse=True, resized=True, on_error="warns")


def with_negative_indices(session: Session) -> Iterator[Attempt]:
    """Half of the indices counted from the end, where the reference takes them and makes the same.

    None where nobody looks at them, or on a GPU: what is read there is not theirs.
    """
    if not may_be_negative(session):
        return
    parts = _parting(session)
    for name, value in session.inputs.items():
        if value.dtype in (torch.int32, torch.int64) and value.numel() and name not in parts:
            for inputs in islice(from_the_end(session, name), 1):
                for attempt in at_point(session, f"with negative indices in {name}", inputs):
                    yield attempt._replace(may_refuse=True, own_values=True, on_error="warns")


def may_be_negative(session: Session) -> bool:
    """Whether an index below 0 does no harm: on a processor, where somebody looks at it."""
    is_looked_at = session.watched is not None and not any(seen.is_unchecked for seen in session.watched)
    return is_looked_at and all(value.is_cpu for value in session.inputs.values())


def from_the_end(session: Session, name: str) -> Iterator[Tensors]:
    """The inputs with half of them counted from the end, where the reference makes the same of these."""
    value = session.inputs[name]
    others = [each for each in session.inputs.values() if each.is_floating_point()]
    lengths = dict.fromkeys(length for each in others for length in each.shape)
    for length in lengths if int(value.min()) >= 0 else ():
        counted = value.clone(memory_format=torch.contiguous_format)
        counted.view(-1)[::2] -= length
        inputs = {**session.inputs, name: counted}
        if int(value.max()) < length and has_the_same_values(session, inputs):
            yield inputs


def repeated(session: Session) -> dict[str, Tensor] | None:
    """The inputs with half of each index one and the same; None where there is no index."""
    generator, parts = own_generator(0), _parting(session)
    given = session.inputs
    found = {name: each if name in parts else _skewed(each, generator) for name, each in given.items()}
    return found if any(found[name] is not value for name, value in given.items()) else None


def _parting(session: Session) -> dict[str, Partition]:
    """The integers that part rows: an index would be out of range where all are in one group."""
    found = partitions(session.inputs)
    try:
        if found:
            session.objective.looked_at(with_empty_groups(session.inputs, found, True), ())
    except UserCodeError as error:
        return {} if is_out_of_range(str(error)) else found
    return found


def with_ignored_targets(session: Session) -> Iterator[Attempt]:
    """Every second index ignored, where the reference takes that; then with more rows, too.

    None where nobody looks at it. Of a function with other values, as of what counts from its end, it warns.
    """
    if any(seen.is_unchecked for seen in session.watched or ()):
        return
    told = f"indices of {IGNORED}, to be ignored"
    yield from _ignoring(session, session.inputs, f"with {told}")
    more = with_more_rows(session)
    if more is not None:
        yield from _ignoring(session, more, f"with more rows and {told}")


def _ignoring(session: Session, inputs: Tensors, told: str) -> Iterator[Attempt]:
    parts = _parting(session)
    ignored = {
        name: value
        for name, value in inputs.items()
        if value.dtype in (torch.int32, torch.int64) and value.numel() > 1 and name not in parts
    }
    if ignored and not _ignores_none(session, inputs, ignored):
        attempts = at_point(session, told, {**inputs, **_every_second(ignored, IGNORED)})
        yield from (attempt._replace(own_values=True) for attempt in attempts)


def _every_second(indices: Tensors, number: int) -> dict[str, Tensor]:
    found = {name: value.clone(memory_format=torch.contiguous_format) for name, value in indices.items()}
    for value in found.values():
        value.view(-1)[1::2] = number
    return found


def _ignores_none(session: Session, inputs: Tensors, indices: Tensors) -> bool:
    """Whether the reference makes of the number to be ignored what a label makes, or counts with it.

    Then labels of 0 and 1 are numbers to it. Whoever ignores some may take all others below 0 for one.
    """

    def made(number: int) -> Tensors | None:
        try:
            return session.objective.looked_at({**inputs, **_every_second(indices, number)}, ())[0]
        except UserCodeError:  # out of range
            return None

    less, there, more = (made(IGNORED + step) for step in (-1, 0, 1))
    if less is None or there is None or more is None or not may_be_negative(session):
        return False
    labels = filter(None, map(made, (0, 1)))
    return not are_equal(less, more) or any(are_equal(there, each) for each in labels)


def with_masks(session: Session) -> Iterator[Attempt]:
    """Truth values that are all true, then all false; where they were all one, some of each."""
    masks = [value for value in session.inputs.values() if value.dtype == torch.bool]
    if masks:
        for truth in (True, False):
            yield from changed(session, f"with every mask {truth}", partial(_all_of, truth))
    if any(map(is_one_number, masks)):
        yield from changed(session, "with masks of both truth values", _some_of_each)


def _skewed(value: Tensor, generator: torch.Generator) -> Tensor:
    if not _is_index(value) or value.numel() < 2:
        return value
    chosen = torch.rand(value.shape, generator=generator, device=generator.device).to(value.device) < 0.5
    return torch.where(chosen, value.flatten()[0], value)


def _all_the_largest(value: Tensor, _: torch.Generator) -> Tensor:
    """Groups that are counted by it have no member but the last."""
    return torch.full_like(value, int(value.max())) if _is_index(value) and value.numel() else value


def _all_of(truth: bool, value: Tensor, _: torch.Generator) -> Tensor:
    return torch.full_like(value, truth) if value.dtype == torch.bool else value


def _some_of_each(value: Tensor, generator: torch.Generator) -> Tensor:
    if value.dtype != torch.bool or not is_one_number(value):
        return value
    return (torch.rand(value.shape, generator=generator, device=generator.device) < 0.5).to(value.device)


def _is_index(value: Tensor) -> bool:
    return not value.is_floating_point() and value.dtype != torch.bool and value.ndim > 0
