"""Whether a function calls what is neither Python's nor torch's, which may read beyond a tensor's end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

OWN = {"torch", *sys.stdlib_module_names}
HANDED_OVER = {"data_ptr", "untyped_storage", "numpy", "__dlpack__", "_to_dlpack", "to_dlpack"}
"""With the memory itself, which ctypes, numba and Triton's interpreter read as they like, unseen."""
BROUGHT_IN = {"_from_dlpack", "from_numpy", "frombuffer"}
"""Memory that was written elsewhere: by JAX, as by others."""
HERE = str(Path(__file__).parents[2])
COMPILED = ("torch._inductor.", "torch._dynamo.convert_frame")


class Foreign:
    """What was seen of a call; nothing where a profiler looks at its calls that cannot be put back.

    What torch.compile has made is no foreign code, though it calls some: it has guards. And compiled anew in
    another process it would wait for threads that are not there. It may share memory with such code, too,
    whose operations torch does not see.
    """

    is_called = is_compiled = shares_memory = False

    @property
    def is_seen(self) -> bool:
        """Whether it calls foreign code."""
        return self.is_called and not self.is_compiled


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
    before: Any = sys.getprofile()
    others = before if callable(before) else None
    if before is not None and not (others or hasattr(before, "enable")):
        yield found
        return

    def look(frame: FrameType, event: str, called: Any) -> None:
        if others is not None:
            others(frame, event, called)
        home = str(frame.f_globals.get("__name__"))
        if home.startswith(COMPILED):
            found.is_compiled = True
            sys.setprofile(others)  # to compile takes long enough
        elif event == "c_call" and not frame.f_code.co_filename.startswith(HERE):
            name = getattr(called, "__name__", "")
            found.shares_memory |= name in HANDED_OVER or name in BROUGHT_IN
            found.is_called = found.is_called or name in HANDED_OVER or not _is_known(called)

    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(others)
        if before is not None and others is None:
            before.enable()  # cProfile's, which goes on where it was


def _is_known(called: Any) -> bool:
    home = getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__
    return isinstance(home, str) and home.partition(".")[0] in OWN
