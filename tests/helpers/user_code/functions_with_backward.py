"""Two functions with a backward, by which the check of functions is tried, and their inputs."""

from collections.abc import Callable

import torch
from torch import Tensor


class Scale(torch.autograd.Function):
    """x · exp(w) and Σ x², with an index that has no gradient; asks needs_input_grad."""

    @staticmethod
    def forward(ctx, x, w, index):
        """Two outputs."""
        ctx.save_for_backward(x, w)
        return x * w.exp(), (x * x).sum()

    @staticmethod
    def backward(ctx, d_loss_d_scaled, d_loss_d_total):
        """None where no gradient is asked for."""
        x, w = ctx.saved_tensors
        needs_x, needs_w, _ = ctx.needs_input_grad
        d_loss_d_x = d_loss_d_scaled * w.exp() + 2 * x * d_loss_d_total if needs_x else None
        return d_loss_d_x, d_loss_d_scaled * x * w.exp() if needs_w else None, None


def scale(x: Tensor, w: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """The same in plain torch."""
    return x * torch.exp(w), (x**2).sum()


def inputs(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Random x and w of that shape, and an index."""
    torch.manual_seed(0)
    return torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype), torch.arange(3)


x, w, index = inputs(3, 4)


def pair(backward: Callable) -> tuple[Callable, Callable]:
    """The product x · w as a pair (forward, backward)."""
    return (lambda x, w: (x * w, (x, w))), backward


def product(x: Tensor, w: Tensor) -> Tensor:
    """The same in plain torch."""
    return x * w
