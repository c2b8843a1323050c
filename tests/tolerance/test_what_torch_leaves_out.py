"""Where PyTorch itself has fewer digits in float64 than a right derivation, that is right as well."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function

x = torch.linspace(-4, 4, 15, dtype=torch.float64)
ALPHA = 1.3
a = torch.tensor(2.5, dtype=torch.float64)


def celu(factor: float = 1.0) -> tuple[Callable, Callable]:
    """By its formula: torch's slope has 1/α of a float32 (torch 2.13, derivatives.yaml: toFloat())."""
    return (
        lambda x: (torch.where(x > 0, x, ALPHA * torch.expm1(x / ALPHA)), x),
        lambda x, above: above * torch.where(x > 0, 1.0, factor * torch.exp(x / ALPHA)),
    )


def digamma(factor: float = 1.0) -> tuple[Callable, Callable]:
    """With the slope ψ′(x) = ζ(2, x), of which torch's is right to nine digits."""
    return (
        lambda x: (torch.digamma(x), x),
        lambda x, above: factor * above * torch.special.zeta(torch.full_like(x, 2.0), x),
    )


def agrees(pair: tuple[Callable, Callable], reference: Callable[[Tensor], Tensor], x: Tensor) -> bool:
    """Whether it does as it was given."""
    return check_function(pair, reference, x, ways=[], order=1, draws=0).agrees


def test_a_right_slope_of_more_digits_is_right() -> None:
    """They differed by millions of roundings, and "yours" was wrong."""
    for start in (x, 10 * x):
        assert agrees(celu(), lambda x: functional.celu(x, ALPHA), start)
    assert agrees(digamma(), torch.digamma, x.abs() + 0.3)


@pytest.mark.medium
def test_all_elements_may_be_off_to_one_side() -> None:
    """Of many elements the sum is off by as much as they are."""
    many = torch.linspace(-4, 4, 7000, dtype=torch.float64)
    assert agrees(celu(), lambda x: functional.celu(x, ALPHA), many / 1000)
    assert agrees(digamma(), torch.digamma, many.abs() + 0.3)


@pytest.mark.medium
def test_what_cancels_or_is_a_series_inside_is_off_by_more_than_one_rounding() -> None:
    """logit near 1/2, sinc near 1 and ψ near 1.46, where each is zero; 1 - P(a, x) by all of P."""
    pairs: list[tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Tensor]] = [
        (lambda x: 2 * torch.atanh(2 * x - 1), torch.logit, x / 80 + 0.5001),
        (lambda x: -torch.sin(torch.pi * (x - 1)) / (torch.pi * x), torch.sinc, x / 80 + 1.0001),
        (lambda x: torch.digamma(x + 1) - 1 / x, torch.digamma, x / 80 + 1.4616),
        (lambda x: 1 - torch.igamma(a, x), lambda x: torch.igammac(a, x), x.abs() * 2 + 0.1),
    ]
    for function, reference, point in pairs:
        assert check_function(function, reference, point, ways=[], order=1, draws=0)
        wrong = check_function(lambda x: function(x) + 1e-13, reference, point, ways=[], order=1, draws=0)  # noqa: B023
        assert not wrong


@pytest.mark.medium
def test_what_is_off_by_ten_times_as_much_is_refused() -> None:
    """Of CELU only where α has digits that float32 has not."""
    assert not agrees(celu(1 + 1e-5), lambda x: functional.celu(x, ALPHA), x)
    assert not agrees(digamma(1 + 1e-8), torch.digamma, x.abs() + 0.3)
    one = (lambda x: (functional.celu(x), x), lambda x, above: above * (x.clamp(max=0).exp() + 1e-9))
    assert not agrees(one, functional.celu, x)


@pytest.mark.medium
def test_a_transform_of_a_length_that_mkl_has_no_formula_for() -> None:
    """At 1030 = 2 · 5 · 103 numbers MKL is off by more than √n roundings explain (torch 2.13)."""
    places = torch.arange(1030)
    angles = -2 * torch.pi * ((places[:, None] * places) % 1030).double() / 1030
    matrix = torch.polar(torch.ones_like(angles), angles)  # which is symmetric
    z = torch.randn(1030, generator=torch.Generator().manual_seed(0), dtype=torch.complex128)

    def transform(factor: float = 1.0) -> tuple[Callable, Callable]:
        return lambda z: (matrix @ z, None), lambda _, above: factor * (matrix.conj() @ above)

    assert agrees(transform(), torch.fft.fft, z)
    assert not agrees(transform(1 + 1e-9), torch.fft.fft, z)
