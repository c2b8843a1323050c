"""What a pupil has started and left behind, though it made itself independent: ended with the pupil."""

import contextlib
import ctypes
import os
import signal
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """From now on a process whose parent, a child of ours, has ended becomes our child; on Linux only."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end() -> None:
    """Kill every child until there is none: each that is killed may hand its own children to us."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(OSError):  # no such file: the system does not say who they are
        while found := children.read_text().split():
            for process in map(int, found):
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
