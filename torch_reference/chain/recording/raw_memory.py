"""Code that reads and writes memory by address: another text of it may write where other things are.

An edit of such a kernel, or of what it is launched with, has ended the process that tried it.
"""

import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from torch_reference.chain.arrays.users_code import is_the_users
from torch_reference.judging.calls.really import is_a

RAW = ("triton", "numba", "cupy", "pycuda", "taichi", "ctypes", "_ctypes", "_cffi_backend", "cffi")
"""The packages whose kernels and functions take addresses and sizes as they are given."""
SAFE = {"torch", "numpy", *sys.stdlib_module_names}
"""The packages whose extensions, as math in some builds of Python, look at what they are given."""


def uses_raw_memory(functions: list[FunctionType]) -> bool:
    """Whether one of these functions, or one that they call by name, launches a kernel or a foreign function.

    >>> import ctypes
    >>> library = ctypes.CDLL(None)
    >>> uses_raw_memory([lambda x: library.free(x)]), uses_raw_memory([lambda x: x + 1])
    (True, False)
    >>> import math
    >>> uses_raw_memory([lambda x: x / math.sqrt(2)])
    False
    """
    waiting, seen = list(functions), {id(function) for function in functions}
    for function in waiting:  # it grows on the way
        for value in _named(function):
            if _is_raw(value):
                return True
            if is_a(value, FunctionType) and id(value) not in seen and is_the_users(value.__code__):
                seen.add(id(value))
                waiting.append(value)
    return False


def _named(function: FunctionType) -> Iterator[Any]:
    """What its code names, of its module and of its closure."""
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield function.__globals__[name]
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # it is empty yet
            continue


def _is_raw(value: Any) -> bool:
    if is_a(value, ModuleType):  # an extension of the user's own
        file, package = getattr(value, "__file__", None) or "", value.__name__.partition(".")[0]
        return file.endswith((".so", ".pyd")) and package not in SAFE
    return type(value).__module__.partition(".")[0] in RAW
