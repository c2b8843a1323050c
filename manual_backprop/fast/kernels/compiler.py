"""How the kernels are compiled: the command, what it depends on, and its result, which has been tried."""

import hashlib
import os
import platform
import shlex
import sys
from pathlib import Path

import torch

from manual_backprop.fast.kernels import library_trial, time_limited

SOURCES = tuple(Path(__file__).with_name(name) for name in ("lesson_and_triangle.c", "small_perceptron.c"))
HEADER = Path(__file__).with_name("vectors.h")
REALS = {torch.float64: "double", torch.float32: "float"}
TYPES = {
    torch.float64: ("-DREAL=double", "-DINTEGER=int64_t", "-DDOUBLE=1"),
    torch.float32: ("-DREAL=float", "-DINTEGER=int32_t", "-DDOUBLE=0"),
}
# Never -ffast-math: it drops NaN, and flushes every subnormal number of the process to 0.
FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
TIME_LIMIT = 60.0
"""Seconds; half a second is usual."""

TRIAL_LIMIT = 20.0
"""Seconds, of which starting Python takes nearly all: a twentieth of one."""


def command(dtype: torch.dtype) -> tuple[str, ...]:
    """The compiler and its options, without the sources: CC names another than cc."""
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    return (*compiler, *FLAGS, *instruction_set(), *TYPES[dtype])


def instruction_set() -> tuple[str, ...]:
    """The vectors that torch found on this machine: a cache may be shared by machines that differ."""
    return ("-mavx2", "-mfma") if torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512") else ()


def recipe(dtype: torch.dtype) -> str:
    """All that decides what comes out, in sixteen digits: sources, command and processor."""
    text = b"".join(path.read_bytes() for path in (HEADER, *SOURCES))
    whole = text + repr((command(dtype), sys.platform, platform.machine(), _processor())).encode()
    return hashlib.sha256(whole).hexdigest()[:16]


def compiled(dtype: torch.dtype, work: Path) -> bytes:
    """The bytes of a new library, which loads, has every function, and lives through a call of each.

    Errors: OSError, RuntimeError with what the compiler or the trial said
    """
    made = work / "kernel.so"
    # What the compiler leaves behind when it is killed lies in the folder that is removed.
    environment = {**os.environ, "TMPDIR": str(work), "LC_ALL": "C"}
    line = [*command(dtype), *map(str, SOURCES), "-o", str(made)]
    ended = time_limited.run(line, environment, TIME_LIMIT)
    if ended.status:
        raise RuntimeError(f"the C compiler failed: {ended.reason()}")
    if not made.is_file() or made.is_symlink():
        raise RuntimeError("the C compiler made no file")
    if not getattr(sys, "frozen", False) and sys.executable:  # a frozen program would start itself
        trial = [sys.executable, "-I", "-S", library_trial.__file__, str(made), REALS[dtype]]
        ended = time_limited.run(trial, environment, TRIAL_LIMIT)
        if ended.status:
            raise RuntimeError(f"the compiled kernel failed its trial: {ended.reason()}")
    return made.read_bytes()


def _processor() -> bytes:
    """What this processor can do, where the system tells: CC may ask for all of it, by -march=native."""
    try:
        with Path("/proc/cpuinfo").open("rb") as file:
            lines = file.read(1 << 14).split(b"\n")
    except OSError:
        return b""
    return next((line for line in lines if line.startswith((b"flags", b"Features"))), b"")
