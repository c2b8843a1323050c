"""In 16 bits a formula is judged in float64 too: a mistake of a few roundings differs, and no rounding."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

HALVES = (torch.bfloat16, torch.float16)


def randn(*shape: int, dtype: torch.dtype, scale: float = 1.0) -> Tensor:
    """Drawn in float64, so that each dtype has the same numbers."""
    draws = torch.Generator().manual_seed(0)
    return (scale * torch.randn(*shape, generator=draws, dtype=torch.float64)).to(dtype)


check = partial(check_function, ways=[], order=1, draws=0)


def pair(function: Callable, slope: Callable) -> tuple[Callable, Callable]:
    """An elementwise function with a derivative of its own, in float32 inside."""
    return (lambda x: (function(x), x)), lambda x, above: (above.float() * slope(x.float())).to(x.dtype)


def of_saved_result(factor: float) -> tuple[Callable, Callable]:
    """Logsumexp whose backward takes the result that was rounded to 16 bits, as PyTorch's own does."""

    def forward(x: Tensor) -> tuple[Tensor, Any]:
        y = torch.logsumexp(x.float(), -1).to(x.dtype)
        return y, (x, y)

    def backward(saved: Any, above: Tensor) -> Tensor:
        x, y = (each.float() for each in saved)
        return (factor * (x - y.unsqueeze(-1)).exp() * above.float().unsqueeze(-1)).to(saved[0].dtype)

    return forward, backward


def of_input(factor: float) -> tuple[Callable, Callable]:
    """Logsumexp whose backward takes the softmax anew."""

    def forward(x: Tensor) -> tuple[Tensor, Any]:
        return torch.logsumexp(x, -1), x

    def backward(x: Tensor, above: Tensor) -> Tensor:
        return (factor * torch.softmax(x.float(), -1) * above.float().unsqueeze(-1)).to(x.dtype)

    return forward, backward


@pytest.mark.medium
@pytest.mark.parametrize("of", [of_saved_result, of_input])
@pytest.mark.parametrize("x", [randn(37, dtype=torch.bfloat16), randn(4, 5, dtype=torch.float16, scale=10.0)])
def test_logsumexp_is_right_with_a_rounded_result_and_wrong_with_a_factor(of: Callable, x: Tensor) -> None:
    """The rounding of the result moves all of a row by percents; so does the factor, which is no rounding."""
    assert check(of(1.0), partial(torch.logsumexp, dim=-1), x).agrees
    for factor in (1.01, 1.1):
        assert not check(of(factor), partial(torch.logsumexp, dim=-1), x).agrees


@pytest.mark.medium
def test_a_hundredth_of_a_large_gradient() -> None:
    """Of 64 x 512, and it says how it is known."""
    x = randn(64, 512, dtype=torch.bfloat16)
    for of in (of_saved_result, of_input):
        assert check(of(1.0), partial(torch.logsumexp, dim=-1), x).agrees
    report = check(of_saved_result(1.01), partial(torch.logsumexp, dim=-1), x)
    assert "in float64" in report.findings[1].row.explanation


def test_one_element_where_the_reference_cancels() -> None:
    """Autograd's softsign adds up two terms that nearly cancel, in bfloat16 by a tenth of the element."""
    x = randn(40, dtype=torch.bfloat16)

    def slope(factor: float, x: Tensor) -> Tensor:
        found = 1 / (1 + x.abs()) ** 2
        found[3] *= factor
        return found

    softsign = torch.nn.functional.softsign
    assert check(pair(softsign, partial(slope, 1.0)), softsign, x).agrees
    assert not check(pair(softsign, partial(slope, 1.06)), softsign, x).agrees


def test_what_no_tolerance_bounds_is_known_by_its_formula() -> None:
    """Near 1, 1 − x² is nothing in bfloat16, and autograd's asin has no bound there."""
    x = torch.tensor([0.99609375, -0.9921875, 0.5], dtype=torch.bfloat16)
    right = check(pair(torch.asin, lambda x: (1 - x * x).rsqrt()), torch.asin, x)
    assert right.agrees
    assert "formula is that of the reference" in right.findings[1].row.explanation
    wrong = check(pair(torch.asin, lambda x: 1.05 * (1 - x * x).rsqrt()), torch.asin, x)
    assert [finding.row.verdict.value for finding in wrong.findings] == ["agrees", "differs"]


def test_a_wrong_formula_does_not_lose_digits() -> None:
    """A softmax of 37 numbers, and 1.1 of its gradient: within the worst case of 16 bits."""
    x = randn(37, dtype=torch.bfloat16)
    softmax = partial(torch.softmax, dim=-1)

    def backward(y: Tensor, above: Tensor) -> Tensor:
        through = above.float() * y
        return (1.1 * (through - y * through.sum())).to(x.dtype)

    wrong = (lambda x: (softmax(x), softmax(x.float()))), backward
    assert check(wrong, softmax, x).findings[1].row.verdict.value == "differs"


def test_where_the_gradient_is_infinite_the_other_elements_are_judged() -> None:
    """Asin at 1, and 6 % of the derivative at another number."""
    x = torch.tensor([1.0, -0.9921875, 0.5, 0.25], dtype=torch.bfloat16)

    def slope(x: Tensor) -> Tensor:
        return (1 - x * x).rsqrt() * torch.tensor([1.0, 1.0, factor, 1.0])

    for factor in (1.0, 1.06):
        found = check(pair(torch.asin, slope), torch.asin, x).findings[1]
        assert (found.row.verdict.value == "differs") is (factor != 1.0)


def test_who_does_something_else_in_float64_is_not_blamed_for_it() -> None:
    """What was returned is not what that formula gives, rounded."""

    def slope(x: Tensor) -> Tensor:
        return 1 - torch.tanh(x) ** 2

    def backward(x: Tensor, above: Tensor) -> Tensor:
        return above * (0 if x.dtype == torch.float64 else slope(x))

    other = (lambda x: (torch.tanh(x), x)), backward
    assert check(other, torch.tanh, randn(8, 4, dtype=torch.bfloat16)).agrees


@pytest.mark.parametrize("dtype", HALVES)
def test_constants_in_16_bits_are_roundings(dtype: torch.dtype) -> None:
    """A scale that is a tensor of 16 bits is off by a rounding in all elements alike."""
    x = randn(8, 32, dtype=dtype, scale=3.0)

    def scaled(scale: Any, x: Tensor) -> Tensor:
        return torch.softmax(x * scale, -1)

    own = torch.tensor(32**-0.5, dtype=dtype)
    assert check(partial(scaled, own), partial(scaled, 32**-0.5), x).agrees


@pytest.mark.parametrize("numbers", [(0.5, 34.0, 35.5), (34.0, 35.5)])
def test_what_float64_rounds_itself_is_no_other_formula(numbers: tuple[float, ...]) -> None:
    """Where a sigmoid is 1 but for 1e-15, y(1 − y) is off by percents, and σ(x) σ(−x) by nothing."""
    own = pair(torch.sigmoid, lambda x: torch.sigmoid(x) * torch.sigmoid(-x))
    assert check(own, torch.sigmoid, torch.tensor(numbers, dtype=torch.bfloat16)).agrees


@pytest.mark.medium
def test_at_a_kink_the_formula_may_take_any_side() -> None:
    """A ReLU whose slope at 0 is 1."""
    x = randn(8, 4, dtype=torch.bfloat16)
    x[0] = 0.0
    own = pair(torch.relu, lambda x: (x >= 0).float())
    assert check(own, torch.relu, x).agrees


def test_a_buffer_of_16_bits_is_no_formula() -> None:
    """What is written into it is rounded whatever runs in float64: its roundings are those of the code."""

    def forward(x: Tensor) -> tuple[Tensor, Any]:
        y = torch.empty(x.shape[0], dtype=torch.bfloat16)
        y.copy_(torch.logsumexp(x.float(), -1))
        return torch.logsumexp(x, -1), (x, y)

    def backward(saved: Any, above: Tensor) -> Tensor:
        x, y = saved
        return ((x.float() - y.float().unsqueeze(-1)).exp() * above.unsqueeze(-1)).to(x.dtype)

    x = randn(1, 8, dtype=torch.bfloat16, scale=5.0)
    assert check((forward, backward), partial(torch.logsumexp, dim=-1), x).agrees


def test_a_table_of_16_bits_is_off_everywhere_and_at_random() -> None:
    """Rotary embedding by a table of bfloat16, before an exponential that makes much of a rounding."""
    x = randn(8, 16, dtype=torch.bfloat16, scale=4.0)
    angles = torch.arange(8.0).unsqueeze(-1) * 10 ** -(torch.arange(8) / 2)

    def grown(cos: Tensor, sin: Tensor, x: Tensor) -> Tensor:
        one, other = x.to(cos.dtype).chunk(2, -1)
        return torch.cat([one * cos - other * sin, one * sin + other * cos], -1).to(x.dtype).exp()

    tables = angles.cos(), angles.sin()
    own = partial(grown, *(each.bfloat16() for each in tables))
    assert check(own, partial(grown, *tables), x).agrees
