"""The movement of a reference by rounding: as wide as rounding, and no wider."""

import itertools
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference.tolerance.differences import coarsest
from torch_reference.tolerance.movement import DRAWS, Movement, expected_and_bounds

EPS = torch.finfo(torch.float64).eps


def autograd(function: Callable[[Tensor], Tensor]) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    """The derivative of the function's sum, by autograd."""

    def derivative(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = inputs["x"].detach().clone().requires_grad_()
        return {"x": torch.autograd.grad(function(leaf).sum(), leaf)[0]}

    return derivative


SQUARE = autograd(lambda x: x * x)


def test_an_element_that_no_rounding_can_move_has_no_tolerance() -> None:
    """There is no absolute tolerance: an exact zero must be one."""
    inputs = {"x": torch.tensor([0.0, -3.0, 2.0], dtype=torch.float64)}
    _, bounds = expected_and_bounds(autograd(torch.relu), inputs)
    assert bounds["x"][:2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_the_bound_is_some_roundings_of_the_result(dtype: torch.dtype) -> None:
    """Without cancellation: between two and twenty times u, whatever the size of the value."""
    x = torch.tensor([1e-2, 1e-1, 1.0, 1e2], dtype=dtype)
    expected, bounds = expected_and_bounds(SQUARE, {"x": x})
    roundings = bounds["x"] / expected["x"].abs() / (torch.finfo(dtype).eps / 2)
    assert roundings.min() >= 2
    assert roundings.max() <= 20


def test_a_cancellation_widens_the_bound() -> None:
    """1 − tanh² is known to a rounding of 1 only: near saturation, many of its own roundings."""
    inputs = {"x": torch.tensor([0.5, 10.0], dtype=torch.float64)}
    expected, bounds = expected_and_bounds(autograd(torch.tanh), inputs)
    assert bounds["x"][0] <= 30 * EPS * expected["x"][0]
    assert EPS <= bounds["x"][1] <= 30 * EPS


def test_a_cancellation_inside_a_fused_operation_widens_the_bound() -> None:
    """GELU's 1 + erf cancels on the left, inside one operation."""
    inputs = {"x": torch.tensor([-7.0], dtype=torch.float64)}
    expected, bounds = expected_and_bounds(autograd(functional.gelu), inputs)
    assert bounds["x"].item() >= EPS > 1e-3 * expected["x"].abs().item() * EPS


def test_the_bound_is_the_same_in_every_run() -> None:
    """The movements are drawn with fixed seeds, and leave torch's own generator alone."""
    inputs = {"x": torch.linspace(-3, 3, 20, dtype=torch.float64)}
    state = torch.get_rng_state()
    first, second = (expected_and_bounds(autograd(torch.sigmoid), inputs)[1]["x"] for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())


def test_a_kernel_for_16_bits_is_expected_to_work_in_float32_inside() -> None:
    """A softmax in bfloat16 rounds once, at its end: to two roundings of each element, and little more."""
    torch.manual_seed(0)
    x, up = torch.randn(8, 300).bfloat16(), torch.randn(8, 300).bfloat16()

    def reference(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = inputs["x"].detach().clone().requires_grad_()
        return {"x": torch.autograd.grad(torch.softmax(leaf, -1), leaf, inputs["up"])[0]}

    movement = Movement(reference, {"x": x, "up": up})
    movement.at_least(DRAWS)
    # The output is saved in 16 bits, so that the gradient is that of rounded probabilities.
    unit = torch.finfo(torch.bfloat16).eps / 2
    terms = torch.softmax(x.double(), -1) * up.double().abs().amax()
    assert (movement.bound("x") <= 16 * unit * terms).all()


def test_a_sum_is_bounded_by_its_own_terms_and_its_own_length() -> None:
    """A long sum elsewhere in the graph widens no bound of a short one."""

    def two_sums(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"short": inputs["x"][:2].sum(), "long": inputs["x"].sum()}

    short_sum = lambda inputs: {"short": inputs["x"][:2].sum()}  # noqa: E731
    x = torch.rand(10_000, dtype=torch.float64)
    both, alone = (expected_and_bounds(f, {"x": x})[1] for f in (two_sums, short_sum))
    assert both["short"] <= 3 * alone["short"]
    assert alone["short"] <= 40 * EPS * x[:2].sum()
    assert both["long"] >= 20 * both["short"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("signs", ["one", "both"])
def test_a_sum_taken_one_after_another_is_right(dtype: torch.dtype, signs: str) -> None:
    """In its own precision, whether its partial sums grow or wander."""
    torch.manual_seed(1)
    terms = (torch.rand(2000, 20) if signs == "one" else torch.randn(2000, 20)).to(dtype)
    expected, bounds = expected_and_bounds(lambda inputs: {"y": inputs["x"].sum(0)}, {"x": terms})
    total = torch.zeros(20, dtype=dtype)
    for row in terms:
        total = total + row
    assert ((total.double() - expected["y"]).abs() <= bounds["y"]).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_sum_accumulated_in_16_bits_is_not_forgiven(dtype: torch.dtype) -> None:
    """PyTorch accumulates it in float32."""
    torch.manual_seed(2)
    terms = torch.randn(200, 50).to(dtype)
    expected, bounds = expected_and_bounds(lambda inputs: {"y": inputs["x"].sum(0)}, {"x": terms})
    total = torch.zeros(50, dtype=dtype)
    for row in terms:
        total = total + row
    assert ((total.double() - expected["y"]).abs() > bounds["y"]).any()
    assert ((terms.float().sum(0).to(dtype).double() - expected["y"]).abs() <= bounds["y"]).all()


def test_a_reference_that_names_float32_is_evaluated_in_float64() -> None:
    """What it is compared with is exact; what it rounds is what it names."""
    x = torch.tensor([1.1, 2.3], dtype=torch.bfloat16)
    expected, bounds = expected_and_bounds(lambda inputs: {"y": inputs["x"].float() ** 3}, {"x": x})
    assert expected["y"].tolist() == (x.double() ** 3).tolist()
    assert (bounds["y"] <= 20 * 2.0**-24 * expected["y"]).all()


def test_infinities_are_not_moved() -> None:
    """A mask of −∞ is one in every draw."""

    def masked(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        scores = inputs["x"].masked_fill(torch.ones(4, 4).triu(1).bool(), -torch.inf) * 0.3
        return {"y": torch.softmax(scores, -1), "scores": scores}

    expected, bounds = expected_and_bounds(masked, {"x": torch.randn(4, 4)})
    assert expected["scores"].isinf().sum() == 6
    assert bounds["y"].isfinite().all()
    assert (bounds["y"].triu(1) == 0).all()


def test_a_complex_number_is_moved_in_both_its_parts() -> None:
    """By roundings of its size: the parts of a product of complex numbers cancel."""
    torch.manual_seed(3)
    z = torch.randn(50, dtype=torch.complex128)
    expected, bounds = expected_and_bounds(lambda inputs: {"y": inputs["z"] * inputs["z"]}, {"z": z})
    parts = torch.stack((z.real**2 - z.imag**2, 2 * z.real * z.imag), -1)
    assert ((torch.view_as_complex(parts) - expected["y"]).abs() <= bounds["y"]).all()
    assert (bounds["y"] <= 20 * EPS * expected["y"].abs()).all()


def test_what_leaves_the_range_of_its_dtype_has_a_bound_all_the_same() -> None:
    """A reference that squares 300 in float16 overflows; a kernel with float32 inside does not."""
    x = torch.tensor([300.0, 400.0], dtype=torch.float16)
    norm = lambda inputs: {"y": (inputs["x"] ** 2).sum().sqrt().reshape(1)}  # noqa: E731
    expected, bounds = expected_and_bounds(norm, {"x": x})
    assert expected["y"].item() == 500.0
    assert 0 < bounds["y"].item() <= 500 * 20 * 2.0**-11


def test_work_in_place_is_moved_too() -> None:
    """A reference may add in place."""

    def in_place(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        y = inputs["x"].clone()
        y.mul_(1 / 3)
        return {"y": y.add_(1e5).sub_(1e5)}

    _, bounds = expected_and_bounds(in_place, {"x": torch.ones(5, dtype=torch.float64)})
    assert (bounds["y"] >= 1e5 * EPS / 2).all()


def test_the_bounds_grow_from_draw_to_draw() -> None:
    """An index stays one, and the coarsest dtype is that of the largest rounding."""
    inputs = {"x": torch.ones(50, dtype=torch.float64) / 3, "i": torch.arange(50)}
    movement = Movement(lambda own: {"x": own["x"][own["i"]] ** 2}, inputs)
    found = []
    for draws in range(1, 7):
        movement.at_least(draws)
        found.append(movement.bound("x"))
    assert all((later >= earlier).all() for earlier, later in itertools.pairwise(found))
    assert (found[-1] > found[0]).any()
    assert movement.draws == 6
    assert coarsest(inputs | {"y": torch.ones(1)}) == torch.float32
    assert coarsest({"i": inputs["i"]}) == torch.float64


def test_the_bounds_of_sums_do_not_underflow() -> None:
    """Gradients of 1e-204, as a saturated softmax has them, have squares of zero."""
    x = torch.full((3, 2), 1e-204, dtype=torch.float64)
    movement = Movement(lambda inputs: {"y": inputs["x"] * 1.1}, {"x": x})
    movement.at_least(1)
    assert all((bound > 1e-221).all() for bound in movement.sum_bounds("y").values())
