"""Functions decorated with torch.amp's custom_fwd and custom_bwd, under autocast and not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd

from torch_reference import check_function

generator = torch.Generator().manual_seed(0)
a, b = torch.randn(4, 3, generator=generator), torch.randn(3, 5, generator=generator)


def product(inputs: torch.dtype | None, factor: float = 1.0) -> Any:
    """A matrix product, which casts its inputs under autocast."""

    class Product(torch.autograd.Function):
        @staticmethod
        @custom_fwd(device_type="cpu", cast_inputs=inputs)
        def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
            ctx.save_for_backward(a, b)
            return a @ b

        @staticmethod
        @custom_bwd(device_type="cpu")
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
            a, b = ctx.saved_tensors
            return factor * g @ b.T, a.T @ g

    return Product


def under_autocast(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function as a training in bfloat16 calls it."""

    def call(*inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return function(*inputs)

    return call


@pytest.mark.sample(2)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("inputs", [None, torch.float32, torch.bfloat16])
def test_without_autocast_nothing_is_cast(inputs: torch.dtype | None, dtype: torch.dtype) -> None:
    """The decorators change nothing; a caller's own autocast is no part of the check."""
    given = a.to(dtype), b.to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert check_function(product(inputs), torch.matmul, *given, ways=["two forwards"])
    wrong = check_function(product(inputs, 1.1), torch.matmul, *given, ways=[], draws=0)
    assert wrong.first_wrong.name == "inputs[0]"


@pytest.mark.medium
@pytest.mark.parametrize(
    ("inputs", "reference"),
    [
        (None, under_autocast(torch.matmul)),
        (torch.bfloat16, under_autocast(torch.matmul)),
        (torch.float32, torch.matmul),
    ],
)
def test_under_autocast_it_is_judged_in_the_precision_that_it_casts_to(
    inputs: torch.dtype | None, reference: Any
) -> None:
    """In bfloat16 beside a reference under autocast, in float32 beside a plain one."""
    right = check_function(under_autocast(product(inputs).apply), reference, a, b, ways=["two forwards"])
    assert right, str(right)
    wrong = check_function(under_autocast(product(inputs, 1.2).apply), reference, a, b, ways=[], draws=0)
    assert wrong.first_wrong.name == "inputs[0]"


def test_a_wrong_one_with_its_lines_has_a_short_repr() -> None:
    """The heading, as that of any report: not every tensor of its chain."""
    report = check_function(product(None, 1.1), torch.matmul, a, b, ways=[])
    assert report.fix
    assert repr(report) == "<MISMATCH: 1 of 2 gradients differ (float32)>"


def test_without_a_reference_its_own_forward_is_one() -> None:
    """The stand-in for ctx takes what the decorators put there."""
    report = check_function(product(torch.float32), None, a, b, ways=[])
    assert report, str(report)
    assert report.remarks == ("compared with its own forward under autograd",)
