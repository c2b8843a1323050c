"""A program that loads a kernel that has just been compiled and calls all of it: its process may die of it.

An instruction that this processor does not have, a run-time library that ends the process, a loop without
end: compiler.py learns of them here. Run without torch, as `python -I -S library_trial.py FILE double`.
"""

import ctypes
import sys
from typing import Any

REALS: dict[str, Any] = {"double": ctypes.c_double, "float": ctypes.c_float}


def declare(kernel: ctypes.CDLL, real: str) -> None:
    """Tell ctypes what the functions take; AttributeError names one that is not there."""
    pointer, number = ctypes.c_void_p, ctypes.c_long
    kernel.gradients.argtypes = [pointer, pointer, pointer, number, number, ctypes.c_int, pointer]
    kernel.gradients.restype = None
    kernel.perceptron.argtypes = [
        *(pointer, number, pointer, pointer),  # widths, layers, parameters, inputs
        *(pointer, pointer, REALS[real], number, pointer),  # observed, classes, terms, n, results
    ]
    kernel.perceptron.restype = ctypes.c_int
    if real == "double":
        kernel.triangles.argtypes = [pointer, pointer, pointer, ctypes.c_int, number, number, pointer]
        kernel.triangles.restype = None
        kernel.merge.argtypes = [pointer, number]
        kernel.merge.restype = ctypes.c_int


def flushes_subnormals() -> bool:
    """Whether this thread takes the smallest numbers for 0, which -ffast-math switches on."""
    smallest = 5e-324
    return smallest * float("1") == 0


def call_all(kernel: ctypes.CDLL, real: str) -> None:
    """Each function once, on a few numbers; whether they are right is asked later, by those who know them."""
    ten = REALS[real] * 10
    numbers, results = ten(*(0.5 * i for i in range(10))), (REALS[real] * 32)()
    one = ctypes.sizeof(REALS[real])
    start = ctypes.addressof(numbers)
    parameters = (ctypes.c_void_p * 7)(*(start + i * one for i in range(7)))
    kernel.gradients(parameters, numbers, numbers, 10, 4, 1, results)
    where = (ctypes.c_void_p * 2)(ctypes.addressof(results), ctypes.addressof(results) + 4 * one)
    widths = (ctypes.c_long * 2)(2, 2)
    classes = (ctypes.c_int64 * 5)(0, 1, 0, 1, 1)
    for targets in ((numbers, None), (None, classes)):
        if kernel.perceptron(widths, 1, parameters, numbers, *targets, 1.0, 5, where):
            raise RuntimeError("the compiled perceptron refused what is right")
    if real == "double":
        kernel.triangles(parameters, numbers, numbers, 0, 10, 5, results)
        kernel.merge(results, 2)


def main(file: str, real: str) -> None:
    """Load, look and call; any exception is the answer."""
    kernel = ctypes.CDLL(file)
    if flushes_subnormals():
        raise RuntimeError("loading it makes the processor flush subnormal numbers to 0 (-ffast-math?)")
    declare(kernel, real)
    call_all(kernel, real)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, AttributeError, RuntimeError) as error:
        sys.exit(str(error).removeprefix(f"{sys.argv[1]}: "))
