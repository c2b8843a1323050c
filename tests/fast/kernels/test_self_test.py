"""The self-test refuses kernels that are wrong anywhere, and takes no time."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from fast_ways import COMPILED
from lessons_seven import seven_only
from manual_backprop.checks import DTYPES
from manual_backprop.fast.kernels import compiled_library, self_test
from manual_backprop.fast.kernels.library_trial import REALS
from manual_backprop.fast.kernels.self_test import WrongNumbersError, check_numbers

pytestmark = [
    pytest.mark.skipif(not COMPILED, reason="no C compiler here"),
    pytest.mark.usefixtures("as_a_user_runs_it"),  # a spoiled kernel is none by its type
]


class Spoiled:
    """A kernel of which one function is another one; the rest is the right one's."""

    def __init__(self, right: Any, name: str, function: Callable[..., Any]) -> None:
        """Put the function in the place of the name."""
        self._right = right
        setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        """What is not spoiled."""
        return getattr(self._right, name)


def numbers_at(address: int, count: int, dtype: torch.dtype) -> Any:
    """The memory that a kernel writes to, as an array."""
    real = REALS["double" if dtype is torch.float64 else "float"]
    return (real * count).from_address(address)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_right_kernel_passes(dtype: torch.dtype) -> None:
    """Whatever the caller's modes and defaults are."""
    kernel = compiled_library.library(dtype)
    check_numbers(kernel, dtype)
    with torch.inference_mode(), torch.device("meta"):
        check_numbers(kernel, dtype)
    with torch.no_grad():
        check_numbers(kernel, dtype)


@seven_only
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    # Of subnormal activations torch's sigmoid takes the derivatives for 0: three sums are left.
    ("case", "column"),
    [(case, column) for case in range(6) for column in range(3 if case == 1 else 7)],
)
def test_a_sum_that_is_off_in_one_case_is_seen(case: int, column: int, dtype: torch.dtype) -> None:
    """Off by a ten-thousandth, or a number instead of a NaN or an infinity; one of seven, in one of six."""
    right, calls = compiled_library.library(dtype), []

    def gradients(*arguments: Any) -> None:
        right.gradients(*arguments)
        calls.append(1)
        if len(calls) == case + 1:
            rows = numbers_at(arguments[-1], 14, dtype)
            sums = rows[column] + rows[column + 7]
            is_finite = abs(sums) < float("inf")
            # A subnormal number has four digits at least.
            wrong = sums * (1.02 if case == 1 else 1.0001) if is_finite else 1.0
            rows[column], rows[column + 7] = wrong, 0.0

    with pytest.raises(WrongNumbersError, match="the lesson's gradient"):
        check_numbers(Spoiled(right, "gradients", gradients), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", range(3))
def test_a_perceptrons_element_that_is_off_is_seen(case: int, dtype: torch.dtype) -> None:
    """The last bias, by a ten-thousandth of the largest; or a number for a NaN."""
    right, calls = compiled_library.library(dtype), []

    def perceptron(*arguments: Any) -> int:
        failed = right.perceptron(*arguments)
        calls.append(1)
        if len(calls) == case + 1:
            last = numbers_at(arguments[-1][-1], 17, dtype)
            last[16] = last[16] + 1e-3 if last[16] == last[16] else 1.0
        return failed

    with pytest.raises(WrongNumbersError, match="the perceptron's gradient"):
        check_numbers(Spoiled(right, "perceptron", perceptron), dtype)
    with pytest.raises(WrongNumbersError, match="refuses what is right"):
        check_numbers(Spoiled(right, "perceptron", lambda *_: 1), dtype)


@seven_only
@pytest.mark.parametrize("name", ["triangles", "merge"])
def test_a_triangle_that_is_off_is_seen(name: str) -> None:
    """One element by a millionth."""
    right = compiled_library.library(torch.float64)

    def wrong(*arguments: Any) -> Any:
        result = getattr(right, name)(*arguments)
        where = arguments[-1] if name == "triangles" else arguments[0]
        numbers_at(where, 32, torch.float64)[5] *= 1 + 1e-6
        return result

    with pytest.raises(WrongNumbersError, match="the triangle"):
        check_numbers(Spoiled(right, name, wrong), torch.float64)


def test_a_network_of_more_parameters_is_not_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never handed to it, and so nothing is compared."""
    monkeypatch.setattr(self_test, "ARE_ALL", False)
    right = compiled_library.library(torch.float64)
    check_numbers(Spoiled(right, "gradients", lambda *_: pytest.fail("the lesson's")), torch.float64)


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_takes_less_than_five_milliseconds(dtype: torch.dtype) -> None:
    """Of the processor's time, the shortest of several; what else is at work makes each of them longer."""
    kernel = compiled_library.library(dtype)
    times = []
    for _ in range(20):
        began = time.thread_time()
        check_numbers(kernel, dtype)
        times.append(time.thread_time() - began)
    if os.getloadavg()[0] > 1.5 or sys.gettrace() is not None:
        pytest.skip(f"{min(times):.4f} s, while others were at work")
    assert min(times) < 0.005
