"""The kernels, built by the machine's own C compiler on first use and kept in the user's cache.

Where that fails, one warning says why, and the fast modules take their way without it. CC names another
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

SOURCES = tuple(Path(__file__).with_name(name) for name in ("lesson_and_triangle.c", "small_perceptron.c"))
HEADER = Path(__file__).with_name("vectors.h")
TYPES = {
    torch.float64: ("-DREAL=double", "-DINTEGER=int64_t", "-DDOUBLE=1"),
    torch.float32: ("-DREAL=float", "-DINTEGER=int32_t", "-DDOUBLE=0"),
}
# Never -ffast-math: it drops NaN, and flushes every subnormal number of the process to 0.
FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
TIME_LIMIT = 60.0
"""Seconds; half a second is usual."""


@functools.cache
def library(dtype: torch.dtype) -> ctypes.CDLL | None:
    """The kernel of one precision, or None where it cannot be built or loaded.

    >>> import torch
    >>> from manual_backprop.fast import kernels
    >>> kernel = kernels.library(torch.float64)  # None where there is no compiler
    >>> kernel is kernels.library(torch.float64)
    True
    """
    try:
        kernel = ctypes.CDLL(str(_built(dtype)))
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        warnings.warn(
            f"manual_backprop.fast.lesson_gradient is slower than it could be: {_reason(error)}", stacklevel=2
        )
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_long
    real = ctypes.c_double if dtype == torch.float64 else ctypes.c_float
    kernel.gradients.argtypes = [pointer, pointer, pointer, number, number, ctypes.c_int, pointer]
    kernel.gradients.restype = None
    kernel.perceptron.argtypes = [
        *(pointer, number, pointer, pointer),  # widths, layers, parameters, inputs
        *(pointer, pointer, real, number, pointer),  # observed, classes, terms, n, results
    ]
    kernel.perceptron.restype = ctypes.c_int
    if dtype == torch.float64:
        kernel.triangles.argtypes = [pointer, pointer, pointer, ctypes.c_int, number, number, pointer]
        kernel.triangles.restype = None
        kernel.merge.argtypes = [pointer, number]
        kernel.merge.restype = ctypes.c_int
    return kernel


def addresses_of(parameters: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_void_p]":
    """Where each parameter lies, in the order in which the kernel takes them."""
    return (ctypes.c_void_p * len(parameters))(*[parameter.data_ptr() for parameter in parameters])


def _built(dtype: torch.dtype) -> Path:
    """The shared library's file, compiled unless it is there; other processes see it as a whole or not."""
    command = (*shlex.split(os.environ.get("CC") or "cc"), *FLAGS, *_instruction_set(), *TYPES[dtype])
    text = b"".join(path.read_bytes() for path in (HEADER, *SOURCES))
    recipe = hashlib.sha256(text + repr(command).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "manual-backprop"
    target = folder / f"kernel-{recipe}.so"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            part = Path(own, target.name)
            line = [*command, *map(str, SOURCES), "-o", str(part)]
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
