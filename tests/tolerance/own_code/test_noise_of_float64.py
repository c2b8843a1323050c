"""How far float64 itself moves what a formula gives, beside which 16 bits are judged."""

import pytest
import torch
from torch import Tensor

from torch_reference import check_function


def reference(x: Tensor, w: Tensor) -> Tensor:
    """Of ten times the soft maximum so far the hyperbolic tangent is 1, and its slope 0 in float64."""
    return torch.tanh(10 * x.logcumsumexp(-1)) * w


def forward(x: Tensor, w: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    return reference(x.float(), w.float()).to(x.dtype), (x, w)


def backward(saved: tuple[Tensor, Tensor], above: Tensor) -> tuple[Tensor, Tensor]:
    x, w, g = (each if each.dtype == torch.float64 else each.float() for each in (*saved, above))
    largest = x.logcumsumexp(-1)
    slope = 10 * g * w * torch.cosh(10 * largest) ** -2  # 1e-17 and less, and never 0
    shares = torch.exp(x.unsqueeze(-2) - largest.unsqueeze(-1)).tril()
    d_x = (slope.unsqueeze(-1) * shares).sum(-2)
    return d_x.to(above.dtype), (g * torch.tanh(10 * largest)).to(above.dtype)


@pytest.mark.medium
def test_a_slope_that_is_zero_in_float64_alone_is_no_other_formula() -> None:
    """torch's logcumsumexp decides by the sign of its gradient, which roundings turn."""
    x = torch.tensor([[2.5, 1.0, 0.5], [3.0, 2.0, -1.0]]).bfloat16()
    w = torch.tensor([[1.0, -0.5, 2.0], [0.5, 1.5, -1.0]]).bfloat16()
    report = check_function((forward, backward), reference, x, w, ways=[], order=1, draws=0)
    assert not report.first_wrong, str(report)
