"""A process that torchrun started ends when torchrun is gone: nobody else would end it."""

from support.ending import NOT_WRITTEN

import os
import sys
import threading
import time
from typing import NoReturn

EVERY = 0.2
"""Seconds between two looks."""

_parent: int | None = None


def end_with_torchrun(rank: int, size: int) -> None:
    """From now on, end this process when its parent has ended, if that parent is torchrun."""
    global _parent
    if "TORCHELASTIC_RUN_ID" not in os.environ or _parent is not None:
        return  # started by hand, or by a shell that may well end before it
    _parent = os.getppid()
    threading.Thread(target=_watch, args=(rank, size), daemon=True).start()


def end_if_orphaned() -> None:
    """The same, at once: asked before a file is written."""
    if _parent is not None and os.getppid() != _parent:
        _end("this rank")


def _watch(rank: int, size: int) -> None:
    while os.getppid() == _parent:
        time.sleep(EVERY)
    _end(f"rank {rank} of {size}")


def _end(who: str) -> NoReturn:
    sys.stderr.write(f"{who} stops: torchrun, which started it, is gone\n")
    sys.stderr.flush()
    os._exit(NOT_WRITTEN)
