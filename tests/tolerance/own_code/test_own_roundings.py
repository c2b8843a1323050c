"""What the roundings of a formula itself explain is right, and nothing else is."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from torch_reference import check_function
from torch_reference.comparison import Verdict
from torch_reference.tolerance.own_code import own_roundings

Function = Callable[[Tensor], Tensor]


def randn(*shape: int, dtype: torch.dtype, scale: float = 1.0) -> Tensor:
    """Drawn in float64, so that each dtype has the same numbers."""
    draws = torch.Generator().manual_seed(0)
    return (scale * torch.randn(*shape, generator=draws, dtype=torch.float64)).to(dtype)


def quotient(x: Tensor) -> Tensor:
    """Its derivative, by autograd, cancels nowhere."""
    return 1 / (1 + torch.exp(-x))


def derived(slope: Function) -> tuple[Callable, Callable]:
    """A sigmoid with a derivative of its own, of its output."""
    return lambda x: (torch.sigmoid(x), torch.sigmoid(x)), lambda y, above: above * slope(y)


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_sigmoids_derivative_of_the_textbooks_is_right(dtype: torch.dtype) -> None:
    """y(1 − y) cancels where y is near 1: by itself, in torch's own, and in the pair of a student."""
    x = randn(5, 7, dtype=dtype, scale=3.0)
    for function in (torch.sigmoid, derived(lambda y: y * (1 - y))):
        report = check_function(function, quotient, x)
        assert report.agrees, report


@pytest.mark.medium
@pytest.mark.parametrize(
    "slope",
    [
        lambda y: y * (1 - y) * (1 + 1e-12),
        lambda y: y * (1 - y) + 1e-13,
        lambda y: (y.float() * (1 - y.float())).double(),
        lambda y: y * (1 - y**2),
    ],
    ids=["a factor", "a constant", "float32 inside", "another derivative"],
)
def test_what_its_roundings_do_not_explain_differs(slope: Function) -> None:
    """A formula that cancels is no excuse for a mistake of ten thousand roundings."""
    report = check_function(derived(slope), quotient, randn(5, 7, dtype=torch.float64, scale=3.0))
    assert not report.agrees, report


@pytest.mark.medium
def test_a_difference_quotient_is_no_derivative() -> None:
    """Its own roundings explain what it is off, at every element: a formula that cancels everywhere."""
    step = 1e-6

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sin(x), x

    def backward(x: Tensor, above: Tensor) -> Tensor:
        return above * (torch.sin(x + step) - torch.sin(x - step)) / (2 * step)

    assert not check_function((forward, backward), torch.sin, randn(5, 7, dtype=torch.float64)).agrees


@pytest.mark.medium(1)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_a_sum_that_the_reference_alone_conserves(dtype: torch.dtype) -> None:
    """x − max x makes each row of its gradient add up to nothing, and a softmax by its output does not."""

    def by_the_largest(x: Tensor) -> Tensor:
        exp = torch.exp(x - x.max(-1, keepdim=True).values)
        return exp / exp.sum(-1, keepdim=True)

    x = randn(6, 16, dtype=dtype)
    report = check_function(lambda x: torch.softmax(x, -1), by_the_largest, x, order=1)
    assert report.agrees, report


@pytest.mark.medium
def test_in_16_bits_it_loses_digits() -> None:
    """It is no mistake of the calculus, and a half of an element may be gone."""
    x = randn(5, 7, dtype=torch.bfloat16, scale=3.0)
    [finding] = [each for each in check_function(torch.sigmoid, quotient, x).findings if not each.agrees]
    assert finding.row.verdict.value == "loses digits"
    assert check_function(torch.sigmoid, quotient, x, ways=[], accept=["loses digits"]).agrees


@pytest.mark.medium
def test_a_constant_rows_variance_is_zero_to_rounding() -> None:
    """torch's derivative of a variance does not subtract the mean of itself, as the formula's does."""
    x = randn(4, 6, dtype=torch.float32)

    def variance(x: Tensor) -> Tensor:
        return ((x - x.mean(-1, keepdim=True)) ** 2).sum(-1) / (x.shape[-1] - 1)

    report = check_function(lambda x: x.var(-1), variance, x, order=1)
    assert report.agrees, report
    assert not check_function(lambda x: x.var(-1) * math.nextafter(1, 2) ** 1e10, variance, x).agrees


def circular(kernel, x):
    """A circular convolution through the frequencies, which leaves roundings where all terms are zero."""
    return torch.fft.irfft(torch.fft.rfft(kernel) * torch.fft.rfft(x), len(x))


def circular_sum(kernel, x):
    """The same as a sum, which is exact there."""
    index = (torch.arange(len(x)).unsqueeze(1) - torch.arange(len(x))) % len(x)
    return kernel[index] @ x


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_output_is_explained_by_its_own_roundings_too(dtype) -> None:
    """Where the sum is exactly zero the frequencies leave a rounding; two thousand of them are none."""
    kernel = torch.tensor([1.3, 0, 0, 0, 0, 0, 0, 0], dtype=dtype)
    x = torch.tensor([0.7, -1.1, 0, 2.3, 0.9, 0, 1.7, -0.3], dtype=dtype)
    assert bool((circular_sum(kernel, x) == 0).any())
    assert check_function(circular, circular_sum, kernel, x)
    tiny = 2000 * torch.finfo(dtype).eps

    def wrong(kernel, x):
        return circular(kernel, x) + tiny * (torch.arange(len(x)) == 2)

    assert not check_function(wrong, circular_sum, kernel, x, ways=[])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_what_is_right_only_where_it_is_looked_at_differs(dtype: torch.dtype) -> None:
    """Other code that runs where operations are seen says nothing of the roundings of what was judged."""

    def wrong(x: Tensor) -> Tensor:
        return x * 2 if _get_current_dispatch_mode() else x * -2

    report = check_function(wrong, lambda x: x * 2, randn(5, 7, dtype=dtype))
    assert [finding.row.verdict for finding in report.findings] == [Verdict.DIFFERS] * 2, report


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_float32_inside_loses_no_digits_of_16_bits(dtype: torch.dtype) -> None:
    """A scan's gradient of a gate, as the difference of two sums: 1e-7 of them where the truth is zero."""
    x = randn(50, dtype=dtype)

    def cumulated(x: Tensor) -> Tensor:
        return torch.cat((torch.zeros(1, dtype=x.dtype), x[:-1].cumsum(0)))

    def backward(x: Tensor, above: Tensor) -> Tensor:
        g = above.float() / 3
        return (3 * (g.flip(0).sum() - g.cumsum(0))).to(x.dtype)

    own = lambda x: (cumulated(x), x), backward
    assert backward(x, randn(50, dtype=dtype))[-1] != 0
    report = check_function(own, cumulated, x, upstream=[randn(50, dtype=dtype)], ways=[], order=1, draws=0)
    assert report.agrees, report


def test_what_takes_too_long_to_run_again_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver of many steps is not run 48 times; what is a thousand bounds away is wrong all the same."""
    monkeypatch.setattr(own_roundings, "MOST_SECONDS", -1.0)
    x = randn(5, 7, dtype=torch.float64, scale=3.0)
    for factor, verdict in ((1.0, Verdict.INCONCLUSIVE), (1.001, Verdict.DIFFERS)):
        pair = derived(lambda y, factor=factor: y * (1 - y) * factor)
        report = check_function(pair, quotient, x, ways=[], order=1, draws=0)
        assert report.findings[-1].row.verdict is verdict, report
