"""In 16 bits an output is judged by its formula in float64 too: a hundredth of all of it is no rounding."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.own_code.in_float64 import Exact
from torch_reference.tolerance.own_code.returned import that_were_returned

HALVES = (torch.bfloat16, torch.float16)
check = partial(check_function, ways=[], order=1, draws=0)


def randn(*shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    """Drawn in float64, so that each dtype has the same numbers."""
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draws, dtype=torch.float64).to(dtype)


def rms_norm(factor: float = 1.0, one: float = 1.0) -> tuple[Callable, Callable]:
    """In float32 inside; factors spoil all of the output, or one element of it."""

    def forward(x: Tensor, gain: Tensor) -> tuple[Tensor, Any]:
        scale = (x.float().square().mean(1, keepdim=True) + 1e-6).rsqrt()
        y = factor * x.float() * scale * gain.float()
        y[0, 1] *= one
        return y.to(x.dtype), (x, gain, scale)

    def backward(saved: Any, above: Tensor) -> tuple[Tensor, Tensor]:
        x, gain, scale = (each.float() for each in saved)
        h, d = x * scale, above.float() * gain
        d_x = scale * (d - h * (d * h).mean(1, keepdim=True))
        return d_x.to(above.dtype), (above.float() * h).sum(0).to(above.dtype)

    return forward, backward


def plain(x: Tensor, gain: Tensor) -> Tensor:
    """The same, operation by operation, each rounding to 16 bits."""
    return x * (x.square().mean(1, keepdim=True) + 1e-6).rsqrt() * gain


def verdict(pair: Any, reference: Callable, *point: Tensor) -> str:
    """What is said of the output."""
    return check(pair, reference, *point).findings[0].row.verdict.value


@pytest.mark.medium
@pytest.mark.parametrize("dtype", HALVES)
def test_a_hundredth_of_an_output_and_a_tenth_of_one_element(dtype: torch.dtype) -> None:
    """What a reference in 16 bits explains by roundings, four of them or twenty, and its formula does not."""
    point = randn(8, 32, dtype=dtype), randn(32, dtype=dtype, seed=1)
    assert verdict(rms_norm(), plain, *point) == "agrees"
    assert verdict(rms_norm(1.01), plain, *point) == "differs"
    assert verdict(rms_norm(one=1.1), plain, *point) == "differs"


def loss(factor: float) -> tuple[Callable, Callable]:
    """A mean in float32 of what is in 16 bits."""

    def forward(x: Tensor) -> tuple[Tensor, Any]:
        return factor * functional.softplus(x.float()).mean(), x

    return forward, lambda x, above: (above * torch.sigmoid(x.float()) / x.numel()).to(x.dtype)


@pytest.mark.parametrize("dtype", HALVES)
def test_a_loss_in_float32_of_numbers_in_16_bits(dtype: torch.dtype) -> None:
    """The reference rounds each term to 16 bits, and so may be a hundredth off: the formula is not."""

    def reference(x: Tensor) -> Tensor:
        return functional.softplus(x).mean().float()

    x = randn(16, 16, dtype=dtype)
    assert check(loss(1.0), reference, x).agrees
    assert verdict(loss(1.01), reference, x) == "differs"


@pytest.mark.parametrize(("factor", "expected"), [(1.0, "agrees"), (1.012, "differs")])
def test_infinities_say_nothing_of_the_other_numbers(factor: float, expected: str) -> None:
    """The reference hands on a logarithm in 16 bits, of which a hundredth of a power is a rounding."""
    x = torch.cat([torch.zeros(1), 2.0 ** randn(63, dtype=torch.float32)]).bfloat16()
    pair = (lambda x: (factor * x.float() ** -3, x), lambda x, above: above * -3 * factor * x.float() ** -4)
    reference = lambda x: torch.exp(-3 * x.log()).float()  # noqa: E731
    assert verdict(pair, reference, x) == expected


def test_what_is_returned_as_it_is_in_float64_is_not_run_again() -> None:
    """A rounding of it is what was returned."""
    x = {"x": randn(8, dtype=torch.bfloat16)}
    movement = Movement(lambda point: {"x": point["x"] * 2.0}, x)
    exact = Exact(movement.expected, movement.expected, has_tables=False)
    ask = partial(that_were_returned, ["x"], exact)
    fail = lambda *_: pytest.fail("it was run")  # noqa: E731
    assert ask({"x": x["x"] * 2.0}, movement, fail, fail) == ["x"]
    assert ask({"x": x["x"] * 2.1}, movement, lambda: {"x": x["x"] * 2.1}, fail) == []


def test_an_output_by_a_constant_in_16_bits_is_right() -> None:
    """A scale that is rounded once moves all logits of a softmax, each by its size."""
    x = randn(8, 32, dtype=torch.bfloat16)
    own = torch.tensor(0.3, dtype=torch.bfloat16)

    def softmax(scale: Any, x: Tensor) -> Tensor:
        return torch.softmax(3.0 * x * scale, -1)

    assert check(partial(softmax, own), partial(softmax, 0.3), x).agrees
