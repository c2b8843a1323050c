"""os._exit ends a program with any status and no report: 0 would pass for agreement."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_way_out() -> Iterator[None]:
    """An error in the place of os._exit, but for what the user's code has forked: such processes end so.

    >>> with no_way_out():
    ...     os._exit(0)
    Traceback (most recent call last):
    RuntimeError: os._exit(0) would end the check without a report
    """
    own, leave = os.getpid(), os._exit

    def refused(status: int = 0) -> None:
        if os.getpid() != own:
            leave(status)
        raise RuntimeError(f"os._exit({status}) would end the check without a report")

    os._exit = refused  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = leave
