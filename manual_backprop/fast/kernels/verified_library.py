"""A kernel that is what was compiled, and right: from the cache if it is whole, from the compiler if not.

POSIX only: compiled_library.py imports it where there is such a system, and when a kernel is first asked for.
"""

import ctypes
import itertools
import os
from contextlib import suppress

import torch

from manual_backprop.fast.kernels import compiler, private_cache
from manual_backprop.fast.kernels.library_trial import declare, flushes_subnormals
from manual_backprop.fast.kernels.self_test import check_numbers

_counter = itertools.count()


def verified_library(dtype: torch.dtype) -> ctypes.CDLL:
    """The kernel of one precision, whose numbers have been looked at in this process.

    A library that is kept and does not pass is removed and built anew; one that is new and does not pass is
    not kept.

    Errors: OSError, RuntimeError, and whatever else a compiler or a loader makes of a strange machine
    """
    recipe = compiler.recipe(dtype)
    with private_cache.private_folder() as folder:
        contents = private_cache.kept(folder, recipe)
        if contents is not None:
            with suppress(OSError, AttributeError, RuntimeError):
                return _loaded(contents, dtype, folder)
            private_cache.drop(folder, recipe)
        with private_cache.work_folder(folder) as work:
            contents = compiler.compiled(dtype, work)
        kernel = _loaded(contents, dtype, folder)
        with suppress(OSError):  # a full disk: the next process compiles it again
            private_cache.keep(folder, recipe, contents)
        return kernel


def _loaded(contents: bytes, dtype: torch.dtype, folder: int) -> ctypes.CDLL:
    """The library of exactly these bytes, after the self-test."""
    flushed = flushes_subnormals()
    kernel = _from_memory(contents, folder)
    try:
        if flushes_subnormals() and not flushed:
            raise RuntimeError("the compiled kernel makes the processor flush subnormal numbers to 0")
        declare(kernel, compiler.REALS[dtype])
        check_numbers(kernel, dtype)
    finally:
        if flushes_subnormals() and not flushed:
            torch.set_flush_denormal(False)
    return kernel


def _from_memory(contents: bytes, folder: int) -> ctypes.CDLL:
    """Load a copy that has no name on any disk, so that nobody can cut or change what has been verified.

    Where there is no such memory (macOS), the copy lies in a folder of its own while it is loaded.
    """
    with suppress(OSError, AttributeError):
        own = os.memfd_create("manual-backprop-kernel")
        try:
            with os.fdopen(os.dup(own), "wb") as file:
                file.write(contents)
            # The loader takes a name that it has seen for the library that had it: each has another one.
            return ctypes.CDLL(f"/proc/self/fd/{'./' * next(_counter)}{own}")
        finally:
            os.close(own)
    with private_cache.work_folder(folder) as work:
        copy = work / "kernel.so"
        copy.write_bytes(contents)
        return ctypes.CDLL(str(copy))
