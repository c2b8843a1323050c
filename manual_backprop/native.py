"""kernel.c, built by the machine's own C compiler on first use and kept in the user's cache.

Where that fails, one warning says why, and manual_backprop.fast takes its way without it. CC names another
compiler, XDG_CACHE_HOME another cache.
"""

import ctypes
import functools
import hashlib
import os
import shlex
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("kernel.c")
TYPES = {
    torch.float64: ("-DREAL=double", "-DINTEGER=int64_t", "-DDOUBLE=1"),
    torch.float32: ("-DREAL=float", "-DINTEGER=int32_t", "-DDOUBLE=0"),
}
# Never -ffast-math: it drops NaN, and flushes every subnormal number of the process to 0.
FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
TIME_LIMIT = 60.0
"""Seconds; half a second is usual."""
_Addresses = ctypes.c_void_p * 7


@functools.cache
def library(dtype: torch.dtype) -> ctypes.CDLL | None:
    """The kernel of one precision, or None where it cannot be built or loaded."""
    try:
        kernel = ctypes.CDLL(str(_built(dtype)))
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        warnings.warn(f"manual_backprop.fast is slower than it could be: {_reason(error)}", stacklevel=2)
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_long
    kernel.gradients.argtypes = [pointer, pointer, pointer, number, number, ctypes.c_int, pointer]
    kernel.gradients.restype = None
    if dtype == torch.float64:
        kernel.triangles.argtypes = [pointer, pointer, pointer, number, pointer]
        kernel.triangles.restype = None
    return kernel


def addresses_of(parameters: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_void_p]":
    """Where each parameter lies, as the kernel takes them: w1, b1, w2, b2 and, for gradients, w3, w4, b3."""
    return _Addresses(*[parameter.data_ptr() for parameter in parameters])


def _built(dtype: torch.dtype) -> Path:
    """The shared library's file, compiled unless it is there; other processes see it as a whole or not."""
    command = (*shlex.split(os.environ.get("CC") or "cc"), *FLAGS, *_instruction_set(), *TYPES[dtype])
    recipe = hashlib.sha256(SOURCE.read_bytes() + repr(command).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "manual-backprop"
    target = folder / f"kernel-{recipe}.so"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            part = Path(own) / "kernel.so"
            line = [*command, str(SOURCE), "-o", str(part)]
            subprocess.run(line, check=True, capture_output=True, text=True, timeout=TIME_LIMIT)
            part.replace(target)
    return target


def _instruction_set() -> tuple[str, ...]:
    """The vectors that torch found on this machine: a cache may be shared by machines that differ."""
    return ("-mavx2", "-mfma") if torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512") else ()


def _reason(error: Exception) -> str:
    """One line: what the compiler said first, or what the system said."""
    said = getattr(error, "stderr", None)
    return f"the C compiler failed: {said.splitlines()[0]}" if said else f"no compiled kernel ({error})"
