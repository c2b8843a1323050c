"""What shows beside another option only, and what takes some options alone and not all of them together."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function
from torch_reference import check_function

x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def power(x: Tensor, n: int = 1, m: int = 1) -> Tensor:
    return x ** (n * m)


def loss(x: Tensor, reduction: str = "mean", weight: Tensor | None = None, scale: float = 1.0) -> Tensor:
    each = scale * x.square() * (1 if weight is None else weight)
    return each.mean() if reduction == "mean" else each.sum() if reduction == "sum" else each


def strided(x: Tensor, step: int = 1, start: int = 0) -> Tensor:
    """One start is within the first step only."""
    if start >= max(step, 2):
        raise ValueError(f"start: expected less than {step}")
    return x[:, start::step].sin()


def own(plain: Callable[..., Tensor], wrong: Callable[..., float]) -> Any:
    """The reference's gradient, times a number that depends on the options."""

    def forward(ctx: Any, x: Tensor, *options: Any) -> Tensor:
        ctx.save_for_backward(x)
        ctx.options = options
        return plain(x, *options)

    def backward(ctx: Any, above: Tensor) -> tuple[Any, ...]:
        with torch.enable_grad():
            (leaf,) = (each.detach().requires_grad_() for each in ctx.saved_tensors)
            (found,) = torch.autograd.grad(plain(leaf, *ctx.options), leaf, above)
        return found * wrong(*ctx.options), *(None,) * len(ctx.options)

    return function(forward, backward)


def where(holds: Callable[..., bool]) -> Callable[..., float]:
    """Twice the gradient where that holds of the options."""
    return lambda *options: 2.0 if holds(*options) else 1.0


CASES: dict[str, tuple[Any, Callable[..., float], tuple[Any, ...], str]] = {
    "two factors that are both 1": (power, where(lambda n, m: n > 1 < m), (1, 1), "inputs[2] = 2"),
    "a weight that a sum forgets": (
        *(loss, where(lambda reduction, weight, _: reduction == "sum" and weight is not None)),
        *(("mean", None, 1.0), "inputs[1] = 'sum' in place of 'mean' and inputs[2] = "),
    ),
    "two of three, where the third hides it": (
        *(loss, where(lambda kind, weight, scale: kind == "sum" and scale == 0.75 and weight is None)),
        *(("mean", None, 1.0), "inputs[1] = 'sum' in place of 'mean' and inputs[3] = 0.75"),
    ),
    "a step and a start": (strided, where(lambda step, start: step > 1 and start > 0), (1, 0), " and "),
}


@pytest.mark.medium
@pytest.mark.parametrize("case", CASES)
def test_what_two_other_options_show_together_is_found(case: str) -> None:
    plain, wrong, options, told = CASES[case]
    report = check_function(own(plain, wrong), plain, x, *options, ways=["options"], order=1)
    assert dict(report.ways) == {"options": "fails"}
    assert told in str(report.note)


@pytest.mark.medium
@pytest.mark.parametrize("case", CASES)
def test_its_right_twin_agrees_beside_all_of_them(case: str) -> None:
    plain, _, options, _ = CASES[case]
    report = check_function(own(plain, lambda *_: 1.0), plain, x, *options, ways=["options"], order=1)
    assert report.agrees, report
    assert not report.warnings


def test_an_integer_may_be_a_factor() -> None:
    """Whose fraction a backward forgets."""

    def scaled(x: Tensor, factor: float) -> Tensor:
        return factor * x.sin()

    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return scaled(x, factor)

    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        return int(ctx.factor) * above * ctx.saved_tensors[0].cos(), None

    report = check_function(function(forward, backward), scaled, x, 2, ways=["options"], order=1)
    assert report.note == "with inputs[1] = 2.5 in place of 2"
