"""Subnormal numbers: a kernel may have none, as XLA's on a processor, and those of float16 move by steps.

And those of a mask, beside which nothing is left of what is added to them.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.rounding.roundings import Roundings, unit
from torch_reference.tolerance.second_look import take_flushed
from torch_reference.tolerance.verdicts import Tolerance


def silu(factor: float) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """x sigmoid(x), whose sigmoid is 0 below so many times the smallest normal number."""

    def sigmoid(x: Tensor) -> Tensor:
        return torch.threshold(torch.sigmoid(x), factor * torch.finfo(x.dtype).tiny, 0.0)

    def backward(x: Tensor, above: Tensor) -> Tensor:
        return above * sigmoid(x) * (1 + x * sigmoid(-x))

    return lambda x: (x * sigmoid(x), x), backward


X = torch.cat([torch.linspace(-90, -86, 41), torch.linspace(-3, 3, 61)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_function_of_what_is_flushed_is_right(dtype: torch.dtype) -> None:
    """88 times the smallest normal number is no rounding of what was left of it."""
    x = X.to(dtype) * (8 if dtype == torch.float64 else 1)
    report = check_function(silu(1.0), functional.silu, x, ways=[], draws=0)
    assert report, report


def test_what_is_no_subnormal_number_is_not_zero() -> None:
    report = check_function(silu(2.0), functional.silu, X, ways=[], draws=0)
    assert [each.row.verdict for each in report.findings] == [Verdict.DIFFERS] * 2


def test_what_a_flushed_number_divides_is_not_infinite() -> None:
    """Nor is anything right there because its bound is."""
    x = torch.tensor([-87.5, -1.0, 0.0, 1.0])
    tolerance = Tolerance(lambda inputs: {"y": 1 / inputs["x"].exp()}, {"x": x})
    right = tolerance.movement.expected["y"]
    [row] = tolerance.rows({"y": right * torch.tensor([4.0, 1.0, 1.0, 1.0])}).values()
    assert row.verdict is Verdict.DIFFERS


def test_subnormal_numbers_move_by_steps_and_zeros_do_not() -> None:
    """A factor of 1 + u z leaves a number of a hundred steps where it is; a kernel rounds it to the next."""
    step = 2.0**-24
    numbers = torch.tensor([100.0, -3.0, 0.0, 1023.0], dtype=torch.float64) * step
    moved = torch.zeros(4, dtype=torch.float64)
    for seed in range(8):
        result = numbers.half()
        Roundings(seed).move(result, 2.0**-11)
        moved = torch.maximum(moved, (result.double() - numbers).abs() / step)
    assert moved[[0, 1, 3]].ge(1).all()
    assert moved.le(6).all()
    assert moved[2] == 0


@pytest.mark.parametrize(("wrong", "is_taken"), [(2, True), (3, False)])
def test_what_is_off_at_most_elements_is_something_else(wrong: int, is_taken: bool) -> None:
    """And once is enough."""
    movement = Movement(lambda values: {"x": values["x"] * 2}, {"x": torch.ones(4)})
    row = Row("x", Verdict.DIFFERS, wrong_elements=wrong, elements=4)
    assert take_flushed(movement, row) is is_taken
    assert not take_flushed(movement, row)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("factor", [1.0, pytest.param(1.01, marks=pytest.mark.medium)])
def test_a_row_that_is_masked_altogether_is_uniform(dtype: torch.dtype, factor: float) -> None:
    """By the least number, as transformers mask it: no rounding of that makes one element the largest."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 5, generator=generator, dtype=dtype)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], dtype=dtype)

    def forward(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.softmax(x + (1 - mask) * torch.finfo(dtype).min, -1)
        return y, y

    def backward(y: Tensor, above: Tensor) -> Any:
        return factor * y * (above - (above * y).sum(-1, keepdim=True)), None

    report = check_function(
        (forward, backward), lambda *given: forward(*given)[0], x, mask, wrt=[0], ways=[], order=1
    )
    assert str(report).startswith("AGREEMENT" if factor == 1 else "MISMATCH"), report


@pytest.mark.parametrize("large", [-1e30, -1e9, -(2.0**25)])
def test_a_sum_with_a_number_that_is_large_is_off_by_no_more_than_the_other(large: float) -> None:
    """And a product of it with 1 by nothing; with 1.5 by a rounding."""
    x = torch.tensor([0.5, 3.0, 0.0])
    movement = Movement(
        lambda values: {
            "sum": values["x"] + values["mask"],
            "same": values["mask"] * values["one"],
            "half": values["mask"] * (values["one"] + 0.5),
        },
        {"x": x, "mask": torch.full((3,), large), "one": torch.ones(3)},
    )
    movement.at_least(8)
    assert (movement.moved["sum"] <= 2 * x).all()
    assert not movement.moved["same"].any()
    assert (movement.moved["half"] > unit(x.dtype) * abs(large)).all()
