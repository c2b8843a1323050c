"""Agrees, loses digits, inconclusive, differs: what is said of which numbers."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import Row, Verdict
from torch_reference.tolerance.movement import DRAWS
from torch_reference.tolerance.verdicts import Tolerance

HALF = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
Pair = tuple[Callable[[Mapping[str, Tensor]], dict[str, Tensor]], dict[str, Tensor]]


def layer_norm(dtype: torch.dtype, rows: int = 64, columns: int = 256) -> Pair:
    """PyTorch's gradients of a layer norm with its gain, and a point."""
    torch.manual_seed(0)
    point = {"x": torch.randn(rows, columns), "gain": 1 + 0.1 * torch.randn(columns)}
    point["up"] = torch.randn(rows, columns)

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        x, gain = (values[name].detach().clone().requires_grad_() for name in ("x", "gain"))
        out = functional.layer_norm(x, (columns,), gain)
        return dict(zip(("x", "gain"), torch.autograd.grad(out, (x, gain), values["up"]), strict=True))

    return reference, {name: value.to(dtype) for name, value in point.items()}


def by_hand(point: Mapping[str, Tensor], without_mean: bool = False) -> dict[str, Tensor]:
    """The same by hand, in float32 at least, converted once."""
    dtype = point["x"].dtype
    x, gain, g = (point[name].to(torch.promote_types(dtype, torch.float32)) for name in ("x", "gain", "up"))
    centred = x - x.mean(1, keepdim=True)
    scale = (centred.square().mean(1, keepdim=True) + 1e-5).rsqrt()
    h, d = centred * scale, g * gain
    mean = 0 if without_mean else d.mean(1, keepdim=True)
    d_x = scale * (d - mean - h * (d * h).mean(1, keepdim=True))
    return {"x": d_x.to(dtype), "gain": (g * h).sum(0).to(dtype)}


def row(pair: Pair, name: str, value: Tensor, **options: object) -> Row:
    """The verdict on one value."""
    return Tolerance(*pair).rows({name: value}, **options)[name]  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_a_right_derivation_agrees(dtype: torch.dtype) -> None:
    """In every precision, without a remark."""
    pair = layer_norm(dtype)
    rows = Tolerance(*pair).rows(by_hand(pair[1]))
    assert [(one.verdict, one.explanation) for one in rows.values()] == [(Verdict.AGREES, "")] * 2


@pytest.mark.sample(1)
@HALF
@pytest.mark.parametrize("factor", [-1.0, 10.0, 2.0, 1.1, 1.01])
def test_a_factor_differs_in_16_bits(dtype: torch.dtype, factor: float) -> None:
    """Down to a hundredth, which is two roundings of bfloat16: the product with the reference shows it."""
    pair = layer_norm(dtype)
    for name, value in by_hand(pair[1]).items():
        assert row(pair, name, (factor * value.double()).to(dtype)).verdict is Verdict.DIFFERS


@pytest.mark.sample(1)
@HALF
def test_one_element_that_is_off_by_a_tenth_differs(dtype: torch.dtype) -> None:
    """And it is the one that is shown."""
    pair = layer_norm(dtype)
    value = by_hand(pair[1])["x"]
    value[3, 5] *= 1.1
    found = row(pair, "x", value)
    assert (found.verdict, found.index) == (Verdict.DIFFERS, (3, 5))


@pytest.mark.medium
def test_one_element_that_is_off_by_a_ten_thousandth_differs_in_float32() -> None:
    """800 roundings of one element of many."""
    pair = layer_norm(torch.float32)
    value = by_hand(pair[1])["gain"]
    value[7] *= 1 + 1e-4
    found = row(pair, "gain", value)
    assert (found.verdict, found.index) == (Verdict.DIFFERS, (7,))


@pytest.mark.slow
def test_a_sum_shows_what_no_element_does() -> None:
    """A third of a rounding in each element of a row, in one direction."""
    pair = layer_norm(torch.float32)
    value = by_hand(pair[1])["x"]
    shifted = value.double() + 2e-7 * value.double().abs().mean()
    found = row(pair, "x", shifted.float())
    assert found.verdict is Verdict.DIFFERS
    assert found.part.startswith("sum")
    assert "each element is within its rounding" in found.explanation


@pytest.mark.sample(1)
@HALF
def test_a_sum_accumulated_in_16_bits_loses_digits(dtype: torch.dtype) -> None:
    """It is no agreement, unless it is accepted by name."""
    pair = layer_norm(dtype)
    point = pair[1]
    x = point["x"].float()
    h = functional.layer_norm(x, (x.shape[1],))
    total = torch.zeros(x.shape[1], dtype=dtype)
    for one in (point["up"].float() * h).to(dtype):
        total = total + one
    found = row(pair, "gain", total)
    assert found.verdict is Verdict.LOSES_DIGITS
    assert not found.agrees
    assert "accumulate in float32" in found.explanation
    accepted = row(pair, "gain", total, accept=("loses digits",))
    assert accepted.agrees
    assert accepted.explanation == "loses digits, which is accepted"


def test_a_gradient_that_cancels_to_nothing_agrees_without_a_remark() -> None:
    """Softmax's under a constant upstream gradient: the right answer is zero to rounding."""
    x = torch.randn(6, 9, dtype=torch.float64)

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().clone().requires_grad_()
        return {"x": torch.autograd.grad(torch.softmax(leaf, -1), leaf, torch.ones_like(leaf))[0]}

    found = row((reference, {"x": x}), "x", torch.zeros_like(x))
    assert (found.verdict, found.explanation) == (Verdict.AGREES, "")


def test_a_blunt_tolerance_is_inconclusive() -> None:
    """Plain operations in bfloat16 on rows far from zero: nothing is left of the centred values."""
    torch.manual_seed(0)
    x = (1000 + 2 * torch.randn(4, 64)).bfloat16()
    up = torch.randn(4, 64).bfloat16()

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().clone().requires_grad_()
        centred = leaf - leaf.mean(1, keepdim=True)
        out = centred * (centred.square().mean(1, keepdim=True) + 1e-5).rsqrt()
        return {"x": torch.autograd.grad(out, leaf, values["up"])[0]}

    pair = reference, {"x": x, "up": up}
    right = reference({"x": x.double(), "up": up.double()})["x"].bfloat16() * 1.02
    found = row(pair, "x", right)
    assert (found.verdict, found.agrees) == (Verdict.INCONCLUSIVE, False)
    assert row(pair, "x", right, accept=("inconclusive",)).agrees
    in_float32 = {name: value.float() for name, value in pair[1].items()}
    assert row((reference, in_float32), "x", right.float(), rtol=0.03).agrees


def test_an_approximation_is_allowed_what_it_asks_for() -> None:
    """rtol is of each element, and of the sums what their terms make."""
    pair = layer_norm(torch.float64)
    value = by_hand(pair[1])["x"] * (1 + 1e-6)
    assert row(pair, "x", value).verdict is Verdict.DIFFERS
    assert row(pair, "x", value, rtol=2e-6).agrees
    assert row(pair, "x", value, rtol=5e-7).verdict is Verdict.DIFFERS


def test_what_is_right_is_done_after_a_few_draws_and_what_is_wrong_too() -> None:
    """However often one asks, the draws are made once."""
    pair = layer_norm(torch.float32)
    tolerance = Tolerance(*pair)
    right = by_hand(pair[1])
    assert tolerance.rows(right)["x"].agrees
    few = tolerance.movement.draws
    assert few <= 8
    assert tolerance.rows(by_hand(pair[1], without_mean=True))["x"].verdict is Verdict.DIFFERS
    assert tolerance.movement.draws == max(few, 4)


@pytest.mark.slow
def test_a_difference_near_the_bound_takes_all_draws() -> None:
    """A verdict of difference is final: no draw to come may change it."""
    pair = layer_norm(torch.float64, 4, 8)
    tolerance = Tolerance(*pair)
    tolerance.movement.at_least(DRAWS)
    near = tolerance.movement.expected["x"] + 1.1 * tolerance.movement.bound("x")
    fresh = Tolerance(*pair)
    assert fresh.rows({"x": near})["x"].verdict is Verdict.DIFFERS
    assert fresh.movement.draws == DRAWS


def test_the_same_numbers_are_judged_once_and_others_again() -> None:
    """A row of one value is no row of another, nor of other allowances."""
    pair = layer_norm(torch.float64, 4, 8)
    tolerance = Tolerance(*pair)
    right = by_hand(pair[1])
    first = tolerance.rows(right)
    assert tolerance.rows(right)["x"] is first["x"]
    assert tolerance.rows({"x": -right["x"]})["x"].verdict is Verdict.DIFFERS
    assert tolerance.rows(right)["x"] is first["x"]
    assert "0.01" in tolerance.rows(right, rtol=0.01)["x"].explanation
