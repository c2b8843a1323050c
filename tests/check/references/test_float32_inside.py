"""Without a reference, a function of float64 that works in float32 inside is judged as such a one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from torch_reference import check_function

x = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def hidden(y: Tensor) -> Tensor:
    """Through numpy, so that its own forward under autograd is no reference."""
    return torch.from_numpy(np.array(y.detach().numpy()))


class Sine(torch.autograd.Function):
    """A times 1000 scale tells a wrong one from what the rounding of the input makes of a right one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        """In float32."""
        ctx.save_for_backward(x)
        ctx.factor = factor
        return hidden(x.float().sin()).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        """In float32, too."""
        return (ctx.factor * g.float() * ctx.saved_tensors[0].float().cos()).to(g.dtype), None


class Softmax(torch.autograd.Function):
    """Of equal inputs it is a third, whose rounding in float32 looks like that of a constant."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        """In float32."""
        y = hidden(x.float().softmax(-1))
        ctx.save_for_backward(y)
        ctx.factor = factor
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        """In float32, too."""
        (y,), above = ctx.saved_tensors, g.float()
        return (ctx.factor * y * (above - (above * y).sum(-1, keepdim=True))).to(g.dtype), None


class LayerNorm(torch.autograd.Function):
    """Of equal inputs it is nothing but rounding."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        """In float32."""
        centred = x.float() - x.float().mean(-1, keepdim=True)
        scale = torch.rsqrt((centred**2).mean(-1, keepdim=True) + 1e-5)
        y = hidden(centred * scale)
        ctx.save_for_backward(y, scale)
        ctx.factor = factor
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        """In float32, too."""
        (y, scale), above = ctx.saved_tensors, g.float()
        means = above.mean(-1, keepdim=True) + y * (above * y).mean(-1, keepdim=True)
        return (ctx.factor * scale * (above - means)).to(g.dtype), None


@pytest.mark.medium
@pytest.mark.parametrize(
    ("function", "way"), [(Sine, "scales"), (Softmax, "equal values"), (LayerNorm, "equal values")]
)
def test_a_right_one_is_not_refused_and_a_wrong_one_is(function: Callable[..., Any], way: str) -> None:
    """Also where its numbers are equal or large, which shows more of the rounding, or none of it."""
    assert check_function(function, None, x, 1.0, ways=[way])
    assert not check_function(function, None, x, 1.0001, ways=[], draws=0)


def test_16_bits_inside_are_no_mistake_of_float32s() -> None:
    """As under autocast: values so coarse tell no derivative, which is said, and nobody is wrong."""

    def product(x: Tensor, w: Tensor, factor: float) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = x @ w
        return y + (factor - 1) * (y - y.detach())

    draws = torch.Generator().manual_seed(1)
    given = torch.randn(8, 6, generator=draws), torch.randn(6, 8, generator=draws)
    for factor in (1.0, 1.05, 1.5):
        report = str(check_function(product, None, *given, factor, ways=["redrawn"], order=1))
        assert report.startswith("UNDECIDED")
        assert "too coarse for a difference quotient: give a reference" in " ".join(report.split())
