"""Of a large point, too, what differs is looked at for roundings of the code itself, in any precision."""

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.own_code import second_run

pytestmark = pytest.mark.medium
Function = Callable[[Tensor], Tensor]
FINE = pytest.mark.parametrize("dtype", [torch.float64, torch.float32])


def randn(dtype: torch.dtype) -> Tensor:
    """More numbers, with those of the upstream gradient, than are judged whole."""
    draws = torch.Generator().manual_seed(0)
    return 3 * torch.randn(2**8, 2**6 + 1, generator=draws, dtype=torch.float64).to(dtype)


def sigmoid(slope: Function) -> tuple[Callable, Callable]:
    """With a derivative of its own, of its output."""
    return lambda x: (torch.sigmoid(x), torch.sigmoid(x)), lambda y, above: above * slope(y)


@FINE
def test_the_sigmoids_derivative_of_the_textbooks_is_right(dtype: torch.dtype) -> None:
    """y(1 − y) was called wrong above 2^15 numbers."""
    pair = sigmoid(lambda y: y * (1 - y))
    report = check_function(pair, lambda x: 1 / (1 + torch.exp(-x)), randn(dtype), order=1)
    assert report.agrees, report
    assert "explained by its own roundings" in str(report)


@FINE
def test_outputs_that_cancel_are_right(dtype: torch.dtype) -> None:
    """log(1 + eˣ) is off by half of itself where eˣ is as small as a rounding."""
    pair = (lambda x: (torch.log(1 + x.exp()), x), lambda x, above: above * torch.sigmoid(x))
    report = check_function(pair, functional.softplus, randn(dtype), order=1, ways=[])
    assert report.agrees, report


def test_a_sample_that_its_own_roundings_move_tells_of_all() -> None:
    """Once a part of eight rows has shown that they explain it, no half of all is run again and again."""
    rows = set[int]()

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        rows.add(len(x))
        return torch.log(x * x + 1), x

    pair = (forward, lambda x, above: above * 2 * x / (x * x + 1))
    x = randn(torch.float64)
    assert check_function(pair, lambda x: torch.log1p(x * x), x, ways=[], order=1)
    assert len(x) in rows
    assert not [number for number in rows if len(x) / 4 < number < len(x)]


def test_what_requires_a_gradient_is_looked_at_without_a_warning() -> None:
    """Torch warned of a number that was made of it."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        x = randn(torch.float32).requires_grad_()
        report = check_function(lambda x: torch.log(x * x + 1), lambda x: torch.log1p(x * x), x, ways=[])
    assert report.agrees, report
    assert not seen


@pytest.mark.parametrize("count", [7000, 17000])
def test_results_that_are_equal_round_alike(count: int) -> None:
    """√(x² + 1) is 1 of all x that are small, and the sum of all that is returned is off by as much."""
    x = torch.linspace(-1e-3, 1e-3, count, dtype=torch.float64).float().view(10, -1)
    pair = (lambda x: (torch.log(x + (x * x + 1).sqrt()), x), lambda x, above: above / (x * x + 1).sqrt())
    report = check_function(pair, torch.asinh, x, order=1, ways=[])
    assert report.agrees, report


@pytest.mark.parametrize(
    "slope",
    [lambda y: y * (1 - y) * (1 + 1e-12), lambda y: y * (1 - y) + 1e-13, lambda y: y * (1 - y**2)],
    ids=["a factor", "a constant", "another derivative"],
)
def test_what_its_roundings_do_not_explain_differs(slope: Function) -> None:
    """A formula that cancels is no excuse for a mistake of ten thousand roundings, at any size."""
    reference = lambda x: 1 / (1 + torch.exp(-x))  # noqa: E731
    assert not check_function(sigmoid(slope), reference, randn(torch.float64), order=1, ways=[]).agrees


def test_a_mistake_of_many_roundings_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty-eight runs of what is large are worth it where it may be right, and a part cannot be run."""
    asked, x = [], randn(torch.float64) / 10
    monkeypatch.setattr(second_run, "forgiven", lambda *a: asked.append(a) or a[0])
    for factor, is_whole in ((1 + 1e-9, True), (1 + 4e-14, False), (1 + 4e-14, True)):

        def backward(y: Tensor, above: Tensor, factor: float = factor, is_whole: bool = is_whole) -> Tensor:
            assert len(y) == len(x) or not is_whole
            return above * y * (1 - y) * factor

        pair = sigmoid(torch.sigmoid)[0], backward
        reference = lambda x: 1 / (1 + torch.exp(-x))  # noqa: E731
        assert not check_function(pair, reference, x, order=1, ways=[], draws=0)
        assert bool(asked) == (is_whole and factor < 1 + 1e-9)
    assert asked[0][2].draws >= 6  # roundings of the reference explain what they did before


@FINE
def test_a_part_of_the_rows_tells_of_digits_that_all_lose(dtype: torch.dtype) -> None:
    """A variance in one pass, far from the mean, was wrong at a large point, and right at a small one."""

    def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        mean = x.mean(-1, keepdim=True)
        inverse = ((x * x).mean(-1, keepdim=True) - mean * mean + 1e-5).rsqrt()
        return (x - mean) * inverse, ((x - mean) * inverse, inverse)

    def backward(saved: tuple[Tensor, Tensor], above: Tensor) -> Tensor:
        n, inverse = saved
        return (above - above.mean(-1, keepdim=True) - n * (above * n).mean(-1, keepdim=True)) * inverse

    x = randn(dtype) + 90
    norm = lambda x: functional.layer_norm(x, x.shape[-1:])  # noqa: E731
    report = check_function((forward, backward), norm, x, order=1, ways=[])
    assert report.agrees or "loses digits" in str(report), report
    assert "differs" not in str(report)


def test_a_sum_is_near_if_it_is_off_by_roundings_of_all_its_terms() -> None:
    """Where a thousand round alike, it is off by as many."""
    ones, off = torch.ones(1000, dtype=torch.float64), 1000 * torch.finfo(torch.float64).eps
    assert second_run._is_near(Row("x", Verdict.DIFFERS, difference=off, part="sum of all"), ones)
    assert not second_run._is_near(Row("x", Verdict.DIFFERS, difference=off), ones)


@pytest.mark.parametrize(("factor", "expected"), [(1.0, Verdict.LOSES_DIGITS), (1.01, Verdict.DIFFERS)])
def test_a_variance_of_squares_loses_digits_at_any_size(factor: float, expected: Verdict) -> None:
    """E(x²) − (E x)², as Flax has it, is off by 900 roundings where the mean is 30 deviations."""

    def normal(x: Tensor) -> Tensor:
        mean = x.mean(-1, keepdim=True)
        return factor * (x - mean) * torch.rsqrt((x * x).mean(-1, keepdim=True) - mean * mean + 1e-5)

    def reference(x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:])

    report = check_function(normal, reference, randn(torch.float32) / 3 + 30, ways=[], order=1, draws=0)
    assert report.findings[-1].row.verdict is expected, report
