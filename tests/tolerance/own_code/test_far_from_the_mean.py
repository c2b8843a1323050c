"""Data far from zero: a mean of 1,000 deviations leaves three digits fewer, and what is right stays right."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.comparison import Verdict

Pair = tuple[Callable[[Tensor], tuple[Tensor, Tensor]], Callable[[Tensor, Tensor], Tensor]]


def data(rows: int, columns: int, dtype: torch.dtype, mean: float = 1000.0) -> Tensor:
    """Drawn in float64, so that each dtype has the same numbers, and with a deviation of 1."""
    draws = torch.Generator().manual_seed(1008)
    return (mean + torch.randn(rows, columns, generator=draws, dtype=torch.float64)).to(dtype)


def norm(x: Tensor) -> Tensor:
    """By its formula."""
    centred = x - x.mean(-1, keepdim=True)
    return centred * (centred.square().mean(-1, keepdim=True) + 1e-3).rsqrt()


def by_variance(factor: float = 1.0) -> Pair:
    """A layer norm whose backward pass asks torch for the variance."""

    def backward(x: Tensor, g: Tensor) -> Tensor:
        spread, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        scale = (spread + 1e-3).rsqrt()
        h = (x - mean) * scale
        through = g - g.mean(-1, keepdim=True) - h * (g * h).mean(-1, keepdim=True)
        return factor * scale * through

    return lambda x: (norm(x), x), backward


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_variance_made_in_one_pass_is_right(dtype: torch.dtype) -> None:
    """torch's is off by u times mean over deviation: no sum of the gradient's elements is refused for it."""
    x = data(6, 8, dtype)
    assert check_function(by_variance(), norm, x, ways=[], order=1)
    assert not check_function(by_variance(1 + 2.0**-9), norm, x, ways=[], order=1, draws=0)


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_torchs_own_norms_are_right_there(dtype: torch.dtype) -> None:
    """Its kernels make their statistics in one pass, too."""
    x = data(37, 8, dtype)
    reference = lambda x: functional.layer_norm(x, (8,), eps=1e-3)  # noqa: E731
    assert check_function(by_variance(), reference, x, ways=[], order=1)
    assert check_function(reference, norm, x, ways=[], order=1)


@pytest.mark.medium
def test_what_the_forward_pass_hands_on_is_off_by_a_rounding() -> None:
    """Of two columns a norm leaves 1e-3 of its gradient: its terms are small beside what was normalised."""
    x = torch.tensor([[-2.41213, 0.12337]], dtype=torch.float64)

    def value(x: Tensor) -> Tensor:
        return norm(x.square().cumsum(-1).square())

    def backward(x: Tensor, g: Tensor) -> Tensor:
        total = x.square().cumsum(-1)
        g = by_variance()[1](total.square(), g) * 2 * total
        return g.flip(-1).cumsum(-1).flip(-1) * 2 * x

    assert check_function((lambda x: (value(x), x), backward), value, x, ways=[], order=1)


@pytest.mark.medium
def test_what_its_own_roundings_alone_explain_loses_digits() -> None:
    """x − mean(x) keeps the rounding of the mean, which autograd's derivative of a variance does not."""

    def spread(x: Tensor) -> Tensor:
        return (x - x.mean(-1, keepdim=True)).square().sum(-1) / 2

    def backward(x: Tensor, g: Tensor) -> Tensor:
        return g.unsqueeze(-1) * (x - x.mean(-1, keepdim=True))

    own = lambda x: (spread(x), x), backward
    [*_, row] = [
        each.row
        for each in check_function(own, spread, data(12, 4, torch.float32), ways=[], order=1).findings
    ]
    assert row.verdict is Verdict.LOSES_DIGITS
    assert check_function(own, spread, data(12, 4, torch.float32, mean=0.0), ways=[], order=1)
