"""An option's other value together with another sign, a zero, equal values or a large value of an input."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, where
from torch.nn.functional import elu, leaky_relu, smooth_l1_loss, softplus

from torch_reference import Report, check_function

draws = torch.Generator().manual_seed(0)
x = torch.randn(4, 3, generator=draws, dtype=torch.float64)
above = x.abs() + 0.3


class Case(NamedTuple):
    """A forward, a backward that is wrong with other options at other inputs, a right one, and a call."""

    forward: Callable[..., Tensor]
    wrong: Callable[..., Tensor]
    right: Callable[..., Tensor]
    inputs: tuple[Any, ...]

    def function(self, backward: Callable[..., Tensor]) -> type[torch.autograd.Function]:
        """A Function of the forward with that backward, which is called with (d_y, x, option)."""
        case = self

        class Elementwise(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Tensor, option: Any) -> Tensor:
                ctx.save_for_backward(x)
                ctx.option = option
                return case.forward(x, option)

            @staticmethod
            def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
                return backward(d_y, *ctx.saved_tensors, ctx.option), None

        return Elementwise

    def judged(self, backward: Callable[..., Tensor]) -> Report:
        """What the ways say of it that change inputs, and options."""
        ways = ["signs", "zeros", "zero rows", "equal values", "scales", "whole numbers", "options"]
        call = (self.function(backward), self.forward, *self.inputs)
        return check_function(*call, wrt=[0], ways=ways, order=1, draws=0)


def powers(given: Any) -> Case:
    """A power whose derivative by |x| is right for odd exponents, and for positive numbers."""
    return Case(
        torch.pow,
        lambda d_y, x, n: d_y * n * x.abs() ** (n - 1),
        lambda d_y, x, n: d_y * n * x ** (n - 1),
        (above, given),
    )


def product_of_the_others(x: Tensor) -> Tensor:
    """For each number the product of the others of its row."""
    others = [torch.cat([x[:, :place], x[:, place + 1 :]], 1).prod(1) for place in range(x.shape[1])]
    return torch.stack(others, 1)


def with_eps(x: Tensor, eps: float) -> Tensor:
    """Rows divided by their norms, and a little more."""
    return x / (x.norm(dim=-1, keepdim=True) + eps)


def d_with_eps(d_y: Tensor, x: Tensor, eps: float, least: float) -> Tensor:
    """Its derivative: at a row of zeros 0 / least."""
    norm = x.norm(dim=-1, keepdim=True)
    along = (d_y * x).sum(-1, keepdim=True)
    return d_y / (norm + eps) - x * along / (norm.clamp_min(least) * (norm + eps) ** 2)


CASES = {
    "a power, at another sign": powers(3.0),
    "a power of a whole number": powers(3),
    "a power of a tensor": powers(torch.tensor(3.0, dtype=torch.float64)),
    "a power of an integer's tensor": powers(torch.tensor(3)),
    "a slope that is written into it, below 0": Case(
        leaky_relu,
        lambda d_y, x, slope: where(x > 0, d_y, 0.01 * d_y),
        lambda d_y, x, slope: where(x > 0, d_y, slope * d_y),
        (above, 0.01),
    ),
    "a factor that it forgets, below 0": Case(
        elu,
        lambda d_y, x, alpha: where(x > 0, d_y, d_y * x.exp()),
        lambda d_y, x, alpha: where(x > 0, d_y, d_y * alpha * x.exp()),
        (above, 1.0),
    ),
    "a quantile of 1/2, below it": Case(
        lambda x, tau: torch.maximum(tau * x, (tau - 1) * x),
        lambda d_y, x, tau: d_y * x.sign() * tau,
        lambda d_y, x, tau: d_y * where(x > 0, tau, tau - 1 + 0.5 * (x == 0)),
        (above, 0.5),
    ),
    "a flag, below 0": Case(
        lambda x, signed: x * x.abs() if signed else x * x,
        lambda d_y, x, signed: d_y * 2 * x,
        lambda d_y, x, signed: d_y * 2 * (x.abs() if signed else x),
        (above, False),
    ),
    "a width, at small numbers": Case(
        lambda x, beta: smooth_l1_loss(x, torch.zeros_like(x), beta=beta, reduction="none"),
        lambda d_y, x, beta: d_y * where(x.abs() < beta, x, x.sign()),
        lambda d_y, x, beta: d_y * where(x.abs() < beta, x / beta, x.sign()),
        (above + 2, 1.0),
    ),
    "an exponential that is too large": Case(
        lambda x, beta: softplus(x, beta),
        lambda d_y, x, beta: d_y * (x.sigmoid() if beta == 1 else (beta * x).exp() / (1 + (beta * x).exp())),
        lambda d_y, x, beta: d_y * where(beta * x > 20, 1.0, (beta * x).sigmoid()),
        (x, 1.0),
    ),
    "a product with a zero, with a dimension kept": Case(
        lambda x, kept: x.prod(-1, keepdim=kept),
        lambda d_y, x, kept: (
            (d_y * x.prod(-1, keepdim=True) / x).nan_to_num()
            if kept
            else d_y[:, None] * product_of_the_others(x)
        ),
        lambda d_y, x, kept: (d_y if kept else d_y[:, None]) * product_of_the_others(x),
        (x, False),
    ),
    "a row of zeros with an eps": Case(
        with_eps,
        lambda d_y, x, eps: d_with_eps(d_y, x, eps, 0.0),
        lambda d_y, x, eps: d_with_eps(d_y, x, eps, 1e-300),
        (x, 0.0),
    ),
}


@pytest.mark.medium(2)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_an_option_and_an_input_hide_together_is_found(case: Case) -> None:
    """As it was given, with each other option there, and at each other input with that option it is right."""
    report = case.judged(case.wrong)
    assert not report, report
    failing = [name for name, status in report.ways if status == "fails"]
    assert failing == ["whole numbers" if isinstance(case.inputs[1], Tensor) else "options"]


@pytest.mark.medium(2)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_its_right_twin_agrees(case: Case) -> None:
    """In the same ways; of 0 to the power of 0 it may have no derivative, of which the report warns."""
    report = case.judged(case.right)
    assert report, report
    assert len(report.warnings) == (case.forward is torch.pow), report.warnings


@pytest.mark.medium
def test_equal_maxima_that_share_with_one_option_only_are_warned_of() -> None:
    """Each gets all where the dimension is kept: each number may be right, their sum is not."""

    def shares(d_y: Tensor, x: Tensor, kept: bool) -> Tensor:
        largest = (x == x.amax(-1, keepdim=True)).to(x.dtype)
        return d_y * largest if kept else d_y[:, None] * largest / largest.sum(-1, keepdim=True)

    case = Case(lambda x, kept: x.amax(-1, keepdim=kept), shares, shares, (x, False))
    report = check_function(case.function(shares), case.forward, x, False, ways=["options"], order=1, draws=0)
    assert report.warnings
    assert "their sum" in report.warnings[0]


def test_what_a_sign_alone_shows_is_not_told_of_the_options_too() -> None:
    """It is wrong below 0 whatever the factor is."""
    wrong = Case(lambda x, factor: x * x * factor, lambda d_y, x, f: d_y * 2 * f * x.abs(), torch.mul, (x, 2))
    call = (wrong.function(wrong.wrong), wrong.forward, above, 2.5)
    ways = dict(check_function(*call, ways=["signs", "options"], order=1, draws=0).ways)
    assert ways == {"signs": "fails", "options": "agrees"}
