"""Points that padding makes: rows of zeros, and targets that are to be ignored."""

from collections.abc import Iterator

import torch

from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session

IGNORED = -100
"""The target that torch's own losses leave out."""


def at_zero_rows(session: Session) -> Iterator[Attempt]:
    """A row of zeros, then nothing but zeros, in each input alone.

    At a kink, as the norm has one there, several gradients are right: any that is finite where the
    reference's is.
    """
    for name in session.wanted:
        value = session.point[name]
        if value.ndim and len(value):
            row = value.clone()
            row[0] = 0
            yield from _finite_at(session, f"at a row of zeros in {name}", name, row)
        yield from _finite_at(session, f"at nothing but zeros in {name}", name, torch.zeros_like(value))


def _finite_at(session: Session, what: str, name: str, value: torch.Tensor) -> Iterator[Attempt]:
    for attempt in at_point(session, what, {**session.inputs, name: value}, at_kinks=True):
        yield attempt._replace(only_finite=True)


def with_ignored_targets(session: Session) -> Iterator[Attempt]:
    """Every second index ignored, where the reference takes that."""
    indices = {
        name: value
        for name, value in session.inputs.items()
        if value.dtype in (torch.int32, torch.int64) and value.ndim and value.numel() > 1
    }
    if not indices:
        return
    ignored = {name: value.clone() for name, value in indices.items()}
    for value in ignored.values():
        value.view(-1)[1::2] = IGNORED
    yield from at_point(session, f"with indices of {IGNORED}, to be ignored", {**session.inputs, **ignored})
