"""Assertions for anybody's tests, and their property-based versions; hypothesis is an optional dependency."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.derivation import NetworkDerivation, check_derivation
from torch_reference.function import Function, check_function
from torch_reference.objective import Loss
from torch_reference.report import Report

LARGEST = 10.0
"""Range of the numbers that are drawn from a shape: wide enough to saturate a sigmoid to 5e-5, and far from
the overflow of exp in any dtype."""

LARGEST_SIZE = 4
"""The largest size that a letter stands for: enough to tell a row from a column and a sum from a mean."""


def assert_gradients_match(
    model: nn.Module,
    loss: Loss,
    inputs: Tensor | Sequence[Tensor],
    targets: Tensor | None,
    derivation: NetworkDerivation,
) -> None:
    """Raise AssertionError, with the whole report as its message, unless the derivation agrees with autograd.

    Shapes, errors: those of check_derivation
    """
    _raise(check_derivation(model, loss, inputs, targets, derivation))


def assert_function_matches(
    function: Function, reference: Callable[..., Any], *inputs: Tensor, wrt: Sequence[int] | None = None
) -> None:
    """Raise AssertionError, with the whole report as its message, unless the backward agrees with autograd.

    Shapes, errors: those of check_function
    """
    _raise(check_function(function, reference, *inputs, wrt=wrt))


def assert_always_matches(
    function: Function,
    reference: Callable[..., Any],
    *inputs: Any,
    max_examples: int = 100,
    dtype: torch.dtype = torch.float64,
) -> None:
    """Draw inputs until one fails, and shrink it to a smallest counterexample; raise with its report.

    Each input is a Hypothesis strategy of tensors, or a shape, in which a letter stands for a size from 1 to
    4 that is the same wherever the letter is: ("n", 3), ("n",) draws a matrix and a vector of n rows.

    Shapes: as described; numbers drawn from a shape have the given dtype and lie between −10 and 10
    Errors: AssertionError with the report of the smallest failing inputs; ValueError without hypothesis
    """
    hypothesis = _hypothesis()

    def always(drawn: tuple[Tensor, ...]) -> None:
        assert_function_matches(function, reference, *drawn)

    settings = hypothesis.settings(
        max_examples=max_examples, deadline=None, database=None, derandomize=True, print_blob=False
    )
    settings(hypothesis.given(_inputs(hypothesis.strategies, inputs, dtype))(always))()


def tensors(shape: Sequence[int], dtype: torch.dtype = torch.float64) -> Any:
    """A Hypothesis strategy of tensors of that shape, which shrinks towards zeros and whole numbers.

    Errors: ValueError where hypothesis is absent
    """
    st = _hypothesis().strategies
    size = torch.Size(shape).numel()
    width = {torch.float64: 64, torch.float32: 32, torch.float16: 16, torch.bfloat16: 16}[dtype]
    numbers = st.floats(-LARGEST, LARGEST, width=width)
    return st.lists(numbers, min_size=size, max_size=size).map(
        lambda values: torch.tensor(values, dtype=dtype).reshape(tuple(shape))
    )


def _inputs(st: ModuleType, inputs: Sequence[Any], dtype: torch.dtype) -> Any:
    """Tuples of tensors. Each is drawn at its largest and then cut, so that a size shrinks by itself."""
    shapes = [shape for shape in inputs if isinstance(shape, tuple)]
    letters = sorted({size for shape in shapes for size in shape if isinstance(size, str)})
    largest = [
        tensors([LARGEST_SIZE if isinstance(size, str) else size for size in shape], dtype)
        if isinstance(shape, tuple)
        else shape
        for shape in inputs
    ]

    def cut(sizes: Mapping[str, int], *drawn: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            value[tuple(slice(sizes.get(size)) for size in shape)].clone()
            if isinstance(shape, tuple)
            else value
            for shape, value in zip(inputs, drawn, strict=True)
        )

    sizes = st.fixed_dictionaries({letter: st.integers(1, LARGEST_SIZE) for letter in letters})
    return st.builds(cut, sizes, *largest)


def _hypothesis() -> ModuleType:
    try:
        importlib.import_module("hypothesis.strategies")
        return importlib.import_module("hypothesis")
    except ModuleNotFoundError:
        raise ValueError("this needs hypothesis: pip install 'manual-backprop[hypothesis]'") from None


def _raise(report: Report) -> None:
    if not report.agrees:
        raise AssertionError(f"\n{report}")
