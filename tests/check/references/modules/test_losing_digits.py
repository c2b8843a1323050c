"""Submodules that lose digits in 16 bits, as many do: what differs is another one, and is named."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_modules


class RowsOfTerms(nn.RMSNorm):
    """Rounds to 16 bits before the gain, as Llama's: the terms of the gain's gradient are of 16 bits."""

    def forward(self, x: Tensor) -> Tensor:
        """Float32 inside."""
        wide = x.float()
        return (wide * (wide.square().mean(-1, keepdim=True) + 1e-6).rsqrt()).to(x.dtype) * self.weight


class ThreePercent(nn.Linear):
    """Its weight's gradient is that much too large."""

    def forward(self, x: Tensor) -> Tensor:
        """Right."""
        return nn.functional.linear(x, TooLarge.apply(self.weight), self.bias)


class TooLarge(torch.autograd.Function):
    """The identity."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Right."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        """Wrong."""
        return 1.03 * g


class Both(nn.Module):
    """A norm, and then a linear layer of the same."""

    def __init__(self, norm: type[nn.RMSNorm], linear: type[nn.Linear]) -> None:
        """Sixteen columns."""
        super().__init__()
        self.norm, self.linear = norm(16, eps=1e-6), linear(16, 8)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Side by side."""
        return self.norm(x), self.linear(x)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("linear", "told"),
    [
        (ThreePercent, "first submodule that differs, given its own inputs and upstream gradient: linear ("),
        (nn.Linear, "first submodule that loses digits, given its own inputs and upstream gradient: norm ("),
    ],
)
def test_what_loses_digits_is_named_where_nothing_differs(linear: type[nn.Linear], told: str) -> None:
    """The norm comes first, and loses digits in its own gradients."""
    torch.manual_seed(0)
    reference = Both(nn.RMSNorm, nn.Linear)
    nn.init.normal_(reference.norm.weight, 1.0, 0.1)
    mine = Both(RowsOfTerms, linear)
    mine.load_state_dict(reference.state_dict())
    x = torch.randn(9, 16).bfloat16()
    report = check_modules(mine.bfloat16(), reference.bfloat16(), x, ways=[], order=1, draws=0)
    assert not report
    assert report.first_part.startswith(told), report
