"""os._exit ends a program with any status and no report: 0 would pass for agreement."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

_lock = threading.Lock()
_inside: list[Callable[[int], NoReturn]] = []
"""How the process was left before each of the checks that are in progress."""
_others: set[int | None] = set()
"""The threads that were there before the first of them, and check nothing."""


@contextmanager
def no_way_out() -> Iterator[None]:
    """An error in the place of os._exit, but for what is not the check's.

    A process that the user's code has forked ends so, and a thread that was there before, as one that waits
    for a time limit.

    >>> with no_way_out():
    ...     os._exit(0)
    Traceback (most recent call last):
    RuntimeError: os._exit(0) would end the check without a report
    """
    with _lock:
        if not _inside:
            _others.update(each.ident for each in threading.enumerate())
        _others.discard(threading.get_ident())
        _inside.append(_inside[0] if _inside else os._exit)
        if len(_inside) == 1:
            os._exit = _refused(os._exit)
    try:
        yield
    finally:
        with _lock:
            leave = _inside.pop()
            if not _inside:
                os._exit = leave  # type: ignore[assignment]
                _others.clear()


def _refused(leave: Callable[[int], NoReturn]) -> Any:
    process = os.getpid()

    def refused(status: int = 0) -> NoReturn:
        if os.getpid() != process or threading.get_ident() in _others:
            leave(status)
        raise RuntimeError(f"os._exit({status}) would end the check without a report")

    return refused
