"""The tolerance itself: as wide as rounding, and no wider."""

import itertools
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from torch_reference.tolerance.agreement import disagreements
from torch_reference.tolerance.sensitivity import (
    branches,
    coarsest,
    expected_and_bounds,
    growing_bounds,
    run_still,
)

EPS = torch.finfo(torch.float64).eps


def autograd(function: object) -> object:
    """The derivative of the function's sum, by autograd."""

    def derivative(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = inputs["x"].detach().clone().requires_grad_()
        return {"x": torch.autograd.grad(function(leaf).sum(), leaf)[0]}  # type: ignore[operator]

    return derivative


SQUARE = autograd(lambda x: x * x)


def test_an_element_that_no_rounding_can_move_has_no_tolerance() -> None:
    """There is no absolute tolerance: an exact zero must be one."""
    inputs = {"x": torch.tensor([0.0, -3.0, 2.0], dtype=torch.float64)}
    _, bounds = expected_and_bounds(autograd(torch.relu), inputs, longest_sum=1, operations=1)
    assert bounds["x"][:2].tolist() == [0.0, 0.0]
    wrong = {"x": torch.tensor([0.0, 1e-300, 1.0], dtype=torch.float64)}
    assert [row.name for row in disagreements(wrong, autograd(torch.relu), inputs, 1)] == ["x"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_bound_is_some_roundings_of_the_result(dtype: torch.dtype) -> None:
    """Without cancellation: between one rounding and a hundred, whatever the size of the value."""
    x = torch.tensor([1e-30, 1e-3, 1.0, 1e4], dtype=dtype)
    expected, bounds = expected_and_bounds(SQUARE, {"x": x}, longest_sum=1, operations=4)
    roundings = bounds["x"] / expected["x"].abs() / torch.finfo(dtype).eps
    assert roundings.min() >= 1
    assert roundings.max() <= 100


def test_a_cancellation_widens_the_bound() -> None:
    """1 − tanh² is known to a rounding of 1 only: near saturation, many of its own roundings."""
    inputs = {"x": torch.tensor([0.5, 10.0], dtype=torch.float64)}
    expected, bounds = expected_and_bounds(autograd(torch.tanh), inputs, longest_sum=1, operations=4)
    assert bounds["x"][0] <= 100 * EPS * expected["x"][0]
    assert EPS <= bounds["x"][1] <= 100 * EPS


def test_a_cancellation_inside_a_fused_operation_widens_the_bound() -> None:
    """GELU's 1 + erf cancels on the left, inside one operation."""
    inputs = {"x": torch.tensor([-7.0], dtype=torch.float64)}
    expected, bounds = expected_and_bounds(
        autograd(torch.nn.functional.gelu), inputs, longest_sum=1, operations=16
    )
    assert bounds["x"].item() >= EPS > 1e-3 * expected["x"].abs().item() * EPS


def test_the_bound_is_the_same_in_every_run() -> None:
    """The movements are drawn with fixed seeds, and leave torch's own generator alone."""
    inputs = {"x": torch.linspace(-3, 3, 20, dtype=torch.float64)}
    state = torch.get_rng_state()
    first, second = (expected_and_bounds(autograd(torch.sigmoid), inputs, 1, 4)[1]["x"] for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (torch.tensor([2.0, torch.nan], dtype=torch.float64), "x: off by nan"),
        (torch.tensor([2.0, torch.inf], dtype=torch.float64), "x: off by inf"),
        (torch.tensor([2.0, 4.0 + 1e-12], dtype=torch.float64), "x: off by 1e-12, where rounding explains"),
        (torch.tensor([2.0, 4.0]), r"x: (2,) of torch.float32, expected (2,) of torch.float64"),
        (torch.tensor([[2.0, 4.0]], dtype=torch.float64), r"x: (1, 2) of torch.float64, expected (2,)"),
    ],
)
def test_what_is_not_the_reference_within_rounding_is_named(wrong: Tensor, line: str) -> None:
    """NaN, infinity, another dtype or shape, and a thousand roundings: each in one line."""
    inputs = {"x": torch.tensor([1.0, 2.0], dtype=torch.float64)}
    assert disagreements({"x": SQUARE(inputs)["x"]}, SQUARE, inputs, 1) == []
    assert [str(row)[: len(line)] for row in disagreements({"x": wrong}, SQUARE, inputs, 1)] == [line]


def test_a_name_that_one_side_lacks_is_named() -> None:
    """Neither a missing gradient nor one too many passes."""
    inputs = {"x": torch.ones(1, dtype=torch.float64)}
    right = SQUARE(inputs)["x"]
    assert [row.name for row in disagreements({}, SQUARE, inputs, 1)] == ["x"]
    assert [row.name for row in disagreements({"x": right, "y": right}, SQUARE, inputs, 1)] == ["y"]


def test_a_decision_is_not_shaken() -> None:
    """A ReLU whose input is rounding noise stays on its side: the bound does not measure the kink's step."""
    x = torch.tensor([0.3], dtype=torch.float64)

    def kink(x: Tensor) -> Tensor:
        return torch.relu(x * 0.1 - 0.03)

    expected, bounds = expected_and_bounds(autograd(kink), {"x": x})
    assert expected["x"].item() in (0.0, 0.1)
    assert bounds["x"].item() <= 100 * EPS


def test_both_sides_of_an_undecidable_kink_are_given() -> None:
    """Where one rounding turns a decision, branches yields the other side; elsewhere nothing."""

    def kink(x: Tensor) -> Tensor:
        return torch.relu(x * 0.1 - 0.03)

    for value, slopes in ((0.3, {0.0, 0.1}), (0.4, set())):
        inputs = {"x": torch.tensor([value, 1.0], dtype=torch.float64)}
        still = run_still(autograd(kink), inputs)
        seen = {turned.expected["x"][0].item() for turned in branches(autograd(kink), still)}
        assert seen | ({still.expected["x"][0].item()} if seen else set()) == slopes


def test_both_sides_of_an_undecidable_question_of_pythons_are_given() -> None:
    """As of a kink's: where one rounding turns an if."""

    def question(x: Tensor) -> Tensor:
        return 3 * x if (x * 0.1 - 0.03).sum() > 0 else 2 * x

    for value, slopes in ((0.3, {2.0, 3.0}), (0.4, set())):
        inputs = {"x": torch.tensor([value], dtype=torch.float64)}
        still = run_still(autograd(question), inputs)
        seen = {turned.expected["x"].item() for turned in branches(autograd(question), still)}
        assert seen | ({still.expected["x"].item()} if seen else set()) == slopes


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_other_side_of_a_kink_has_a_bound_of_its_own(dtype: torch.dtype) -> None:
    """As narrow as on this side: not one decision of the other run turns back."""

    def kink(x: Tensor) -> Tensor:
        return torch.relu(x * 0.1 - torch.tensor([0.03, 0.03], dtype=x.dtype))

    inputs = {"x": torch.tensor([0.3, 1.0], dtype=dtype)}
    still = run_still(autograd(kink), inputs)
    for turned in branches(autograd(kink), still):
        expected, bounds = list(growing_bounds(autograd(kink), inputs, still=turned))[-1]
        assert torch.equal(expected["x"], turned.expected["x"])
        assert 0 < bounds["x"].max() <= 100 * torch.finfo(dtype).eps


def test_what_a_fused_operation_loses_in_float64_counts_twice() -> None:
    """Nothing more exact is at hand than its decomposition: layer norm far from zero."""
    inputs = {"x": 1e6 + torch.linspace(0, 1, 5, dtype=torch.float64)}
    norm = autograd(lambda x: torch.nn.functional.layer_norm(x, (5,)) ** 3)
    still = run_still(norm, inputs)
    lost = (still.decomposed["x"] - still.expected["x"]).abs()
    assert lost.max() > 0
    expected, bounds = list(growing_bounds(norm, inputs, still=still, longest_sum=1, draws=1))[-1]
    least = list(growing_bounds(norm, inputs, still=still._replace(own=expected), longest_sum=1, draws=1))
    assert torch.allclose(bounds["x"], least[-1][1]["x"] + 2 * lost, rtol=4 * EPS, atol=0)


def test_operations_and_the_longest_sum_are_counted() -> None:
    """A product of matrices sums over its inner dimension, a sum over everything."""
    inputs = {"x": torch.ones(3, 50, dtype=torch.float64)}
    still = run_still(autograd(lambda x: x @ x.T), inputs)
    assert still.longest_sum == 50
    assert 3 <= still.operations <= 12


def test_the_bound_is_the_documented_multiple_of_the_largest_of_16_movements() -> None:
    """4 (n + √(k n)) of them, and each is normal: x² moves by twice x's roundings and by its own.

    The largest of 16 normal sizes is below its median with a probability of a half, each with
    (1/2)^(1/16). The median of 20,000 elements has a standard error of 0.0042: five of them are allowed.
    """
    x = torch.linspace(1, 2, 20_000, dtype=torch.float64)
    bounds = {}
    for n, k in ((1, 1), (9, 16)):
        expected, found = expected_and_bounds(lambda inputs: {"y": inputs["x"] ** 2}, {"x": x}, n, k)
        bounds[n] = found["y"] / (expected["y"] * EPS)
    typical = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor((1 + 0.5 ** (1 / 16)) / 2)).item()
    assert (bounds[1] / (4 * 2 * 5**0.5)).median().item() == pytest.approx(typical, abs=0.02)
    assert torch.allclose(bounds[9] / bounds[1], torch.tensor(21 / 2).double(), rtol=8 * EPS)


def test_the_references_own_error_counts_twice() -> None:
    """What it returns in float32 is off by 1/1024 from what it returns in float64."""

    def off_in_float32(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        x = inputs["x"]
        return {"y": torch.full_like(x, 2.0**-10 if x.dtype == torch.float32 else 0.0)}

    for dtype, bound in ((torch.float32, 2.0**-9), (torch.float64, 0.0)):
        _, bounds = expected_and_bounds(off_in_float32, {"x": torch.ones(2, dtype=dtype)}, 1, 1)
        assert bounds["y"].tolist() == [bound, bound]


def test_the_bounds_grow_from_draw_to_draw() -> None:
    """16 of them, unless fewer are asked for; an index stays one, and the coarsest dtype rounds."""
    inputs = {"x": torch.ones(50, dtype=torch.float64), "i": torch.arange(50)}

    def squares(own: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"x": own["x"][own["i"]] ** 2}

    found = [bounds["x"] for _, bounds in growing_bounds(squares, inputs)]
    assert len(found) == 16
    assert all((later >= earlier).all() for earlier, later in itertools.pairwise(found))
    assert (found[-1] > found[0]).any()
    assert len(list(growing_bounds(squares, inputs, draws=3))) == 3
    assert coarsest(inputs | {"y": torch.ones(1)}) == torch.float32
    assert coarsest({"i": inputs["i"]}) == torch.float64
