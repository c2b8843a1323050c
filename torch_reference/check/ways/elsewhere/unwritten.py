"""Memory that is reserved and not yet written holds NaN, as after other work it may hold anything."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch

from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.judging.calls.quiet import unwarned

_lock = threading.Lock()
_inside: list[tuple[bool, bool, bool]] = []


def unwritten(session: Session) -> Iterator[Attempt]:
    """What torch.empty reserves holds NaN: in a fresh process it mostly holds zeros, which hide a gap."""
    told = "where memory that is not yet written holds NaN"
    yield Attempt(told, session.point, partial(_in_nan, session))


def _in_nan(session: Session) -> Made:
    with unwritten_is_nan():
        return session.differentiated(session.point)


@contextmanager
def unwritten_is_nan() -> Iterator[None]:
    """Fill what torch reserves in here, which it does under deterministic algorithms."""
    with _lock:
        _inside.append(_state())
        if not _inside[0][0]:
            _set_deterministic(True, True)
        _fill(True)
    try:
        with unwarned():
            yield
    finally:
        with _lock:
            was = _inside[0]
            _inside.pop()
            if not _inside:
                _set_deterministic(was[0], was[1])
                _fill(was[2])


def _state() -> tuple[bool, bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        _fills(),
    )


def _fills() -> bool:
    return bool(torch._C._get_deterministic_fill_uninitialized_memory())


def _fill(fills: bool) -> None:
    torch._C._set_deterministic_fill_uninitialized_memory(fills)


def _set_deterministic(mode: bool, warn_only: bool) -> None:
    """As torch's own function for it, which imports torch.compile's settings, for seconds."""
    torch._C._set_deterministic_algorithms(mode, warn_only=warn_only)
