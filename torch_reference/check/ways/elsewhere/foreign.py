"""Whether a function calls what is neither Python's nor torch's, which may read beyond a tensor's end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

OWN = {"torch", *sys.stdlib_module_names} - {"ctypes", "_ctypes"}
HANDED_OVER = {"data_ptr", "untyped_storage", "numpy", "__dlpack__", "_to_dlpack", "to_dlpack"}
"""With the memory itself, which ctypes, numba and Triton's interpreter read as they like, unseen."""


class Foreign:
    """What was seen of a call; unknown where somebody else looks at its calls."""

    is_seen = False


@contextmanager
def looking_for_foreign_code() -> Iterator[Foreign]:
    """Look at each call of compiled code in this thread.

    >>> import torch
    >>> with looking_for_foreign_code() as found:
    ...     _ = torch.ones(3).sin()
    >>> found.is_seen
    False
    >>> with looking_for_foreign_code() as found:
    ...     _ = torch.ones(3).numpy()
    >>> found.is_seen
    True
    """
    found = Foreign()
    if sys.getprofile() is not None:
        yield found
        return

    def look(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and not found.is_seen and not _is_ours(frame):
            found.is_seen = getattr(called, "__name__", "") in HANDED_OVER or not _is_known(called)

    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(None)


def _is_known(called: Any) -> bool:
    home = getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__
    return isinstance(home, str) and home.partition(".")[0] in OWN


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("torch_reference.")
