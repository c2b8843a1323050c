"""Without a reference, constants that were made in float32 are part of a function of float64."""

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

x = torch.tensor([0.4, -1.3, 2.1], dtype=torch.float64)


def window() -> Tensor:
    """As of a structural similarity: made in float32, of the dtype of what it is multiplied with."""
    weights = torch.exp(-(torch.arange(3, dtype=torch.float32) ** 2) / 3)
    return weights / weights.sum()


def weighted(x: Tensor) -> Tensor:
    """What autograd differentiates rightly, with the window as it is."""
    return torch.sin(x * window().to(x.dtype))


class Slope(torch.autograd.Function):
    """The same with a gradient of its own, and a factor in it."""

    @staticmethod
    def forward(ctx, x, factor):
        """Detached, so that its own forward is no reference."""
        ctx.save_for_backward(x)
        ctx.factor = factor
        return weighted(x.detach())

    @staticmethod
    def backward(ctx, d_y):
        """The derivative, times the factor."""
        (x,) = ctx.saved_tensors
        weights = window().to(x.dtype)
        return ctx.factor * d_y * weights * torch.cos(x * weights), None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_window_of_float32_is_right(dtype: torch.dtype) -> None:
    """By autograd and by hand."""
    for function, more in ((weighted, ()), (Slope, (1.0,))):
        report = check_function(function, None, x.to(dtype), *more, ways=["redrawn"])
        assert report.agrees, report


@pytest.mark.medium
def test_it_is_no_excuse_for_a_mistake_of_float32s_size() -> None:
    """The constants are exact to the function: its gradient is wanted to the digits of float64."""
    assert not check_function(Slope, None, x, 1.0 + 1e-7, ways=[])
