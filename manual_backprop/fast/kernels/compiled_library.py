"""The kernels, built by the machine's own C compiler on first use and kept in the user's cache.

Where that fails, one warning says why, and the fast modules take their way without it. CC names another
compiler, XDG_CACHE_HOME another cache. docs/guarantees.md says what is promised of the cache.
"""

import ctypes
import os
import threading
import warnings

import torch

_found: dict[torch.dtype, ctypes.CDLL | None] = {}
_warned = False
_lock = threading.RLock()


def library(dtype: torch.dtype) -> ctypes.CDLL | None:
    """The kernel of one precision, or None where it cannot be built, loaded or trusted.

    >>> import torch
    >>> from manual_backprop.fast import kernels
    >>> kernel = kernels.library(torch.float64)  # None where there is no compiler
    >>> kernel is kernels.library(torch.float64)
    True
    """
    global _warned
    if dtype in _found:
        return _found[dtype]
    with _lock:
        if dtype in _found:
            return _found[dtype]
        _found[dtype], reason = _sought(dtype)
        say, _warned = bool(reason) and not _warned, _warned or bool(reason)
    if say:
        warnings.warn(f"manual_backprop.fast is slower than it could be: {reason}", stacklevel=3)
    return _found[dtype]


def forget() -> None:
    """Seek the kernels anew when they are asked for."""
    global _warned
    _found.clear()
    _warned = False


def _sought(dtype: torch.dtype) -> tuple[ctypes.CDLL | None, str]:
    """The kernel, or why there is none, in one line."""
    if os.name != "posix":
        return None, f"no compiled kernel on a system of the kind {os.name!r}"
    try:
        # Here, since it is for POSIX only, and a process that never asks need not pay for it.
        from manual_backprop.fast.kernels.verified_library import verified_library

        return verified_library(dtype), ""
    except Exception as error:  # a strange compiler, disk or loader is no reason to fail
        return None, f"no compiled kernel ({' '.join(str(error).split()) or type(error).__name__})"


def _in_a_child() -> None:
    """Another thread of the parent may have held the lock when it forked; here it will never let go."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_a_child)
