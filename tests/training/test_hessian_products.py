"""A product of the Hessian and a direction is autograd's, within the error that it states."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import torch_reference.lockstep.sharpness
import torch_reference.networks.perceptron
from manual_backprop.networks import perceptron
from manual_backprop.networks.architecture import initial_parameters
from manual_backprop.training.sharpness import (
    difference_step,
    hessian_vector_product,
)
from quadratics import EPS, Tensors, flat, generator
from strategies_layers import make_perceptron_case


def test_the_error_of_a_product_is_the_same_in_the_opposite_direction() -> None:
    """Also where the gradient is large on one side only: either may bring the rounding."""
    parameters = {"a": torch.zeros(2).double()}
    direction = {"a": torch.tensor([1.0, -2.0]).double()}

    def gradient(own: Tensors) -> Tensors:
        return {"a": 1e9 * own["a"].clamp(min=0)}

    there = hessian_vector_product(gradient, parameters, direction)
    back = hessian_vector_product(gradient, parameters, {"a": -direction["a"]})
    assert there.error == back.error
    assert torch.equal(there.value["a"], -back.value["a"])


@pytest.mark.parametrize("loss", ["ssr", "cross_entropy_mean"])
@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_the_product_is_autograds_within_the_error_that_it_states(activation: str, loss: str) -> None:
    """The central difference against reverse over reverse, on a perceptron."""
    widths, activations = (3, 4, 2), (activation, None)
    case = make_perceptron_case(widths, activations, loss, 5, torch.float64, seed=3)
    network = perceptron.perceptron(widths, activations)
    parameters = initial_parameters(network, generator(1))
    direction = initial_parameters(network, generator(2))

    def gradient(own: Tensors) -> Tensors:
        return perceptron.gradients(network, own, case.inputs, case.targets, loss)

    found = hessian_vector_product(gradient, parameters, direction)
    exact = torch_reference.lockstep.sharpness.hessian_vector_product(
        torch_reference.networks.perceptron.sequential(widths, activations),
        parameters,
        case.inputs,
        case.targets,
        direction,
        loss,
    )
    assert list(found.value) == list(parameters)
    assert (flat(found.value) - flat({name: exact[name] for name in parameters})).norm().item() <= found.error


nonzero = st.floats(2**-6, 2**6) | st.floats(-(2**6), -(2**-6))


@given(point=nonzero, length=nonzero)
def test_the_error_is_a_bound_and_no_larger_than_it_must_be(point: float, length: float) -> None:
    """Of θ³ the quotient is off by h² v³ and two roundings of g: what the derivation assumes holds."""
    parameters, direction = ({"a": torch.tensor([x], dtype=torch.float64)} for x in (point, length))
    found = hessian_vector_product(lambda own: {"a": own["a"] * own["a"] * own["a"]}, parameters, direction)
    off = abs(Fraction(found.value["a"].item()) - 3 * Fraction(point) ** 2 * Fraction(length))
    assert off <= found.error
    # ‖D(2h) − D(h)‖ / 3 is at most the term of h² and ρ / 2h. What ρ leaves out (roundings of h v and of the
    # quotients) is as small beside ρ as h v beside θ, at most 64 ∛eps = 4e-4, and g grows thrice as much.
    h = difference_step(parameters, direction)
    rounding = EPS * (abs(point) ** 3 + 3 * point**2 * abs(point))
    assert found.error <= (1 + 4 * 4e-4) * (h**2 * abs(length) ** 3 + 2 * rounding / h)


def test_the_error_is_a_third_of_what_doubling_the_step_changes() -> None:
    """Of θ³ at 0 the quotient is h² where the derivative is 0, and the error says so: (4h² − h²) / 3."""
    parameters, direction = {"a": torch.zeros(1).double()}, {"a": torch.ones(1).double()}
    found = hessian_vector_product(lambda own: {"a": own["a"] * own["a"] * own["a"]}, parameters, direction)
    h = difference_step(parameters, direction)
    # Two roundings of the cube and one of the quotient, one of h² here: 4 of eps / 2.
    assert found.value["a"].item() == pytest.approx(h**2, rel=2 * EPS, abs=0)
    # The rounding term adds 3/2 of eps to the third of the difference, in which 7 more roundings count 4/3.
    assert found.error == pytest.approx(h**2, rel=8 * EPS, abs=0)


def test_the_products_of_the_reference_are_those_of_its_whole_hessian() -> None:
    """H v by reverse over reverse, and H row by row: without any rounding for ReLU and whole numbers."""
    widths, activations = (2, 3, 1), ("relu", None)
    case = make_perceptron_case(widths, activations, "ssr", 4, torch.float64, seed=4)
    whole = {name: (3 * value).round() for name, value in case.parameters.items()}
    network = torch_reference.networks.perceptron.sequential(widths, activations)
    data = (network, whole, (3 * case.inputs).round(), (3 * case.targets).round())
    hessian = torch_reference.lockstep.sharpness.hessian(*data)
    direction = {name: torch.ones_like(value) for name, value in whole.items()}
    product = torch_reference.lockstep.sharpness.hessian_vector_product(*data, direction)
    assert hessian.shape == (13, 13)
    assert hessian.count_nonzero() > 13
    assert torch.equal(hessian, hessian.T)
    assert torch.equal(flat({name: product[name] for name in whole}), hessian.sum(1))


def test_the_step_of_the_difference_is_the_formulas() -> None:
    """∛eps · max(1, ‖θ‖) / ‖v‖, in the dtype's eps."""
    small = {"a": torch.tensor([0.3, 0.4]), "b": torch.zeros(2)}
    large = {"a": torch.tensor([3.0]), "b": torch.tensor([4.0])}
    eps = torch.finfo(torch.float32).eps
    assert difference_step(small, large) == eps ** (1 / 3) / 5
    # 0.3 and 0.4 in float32 make a length of 0.5 within one rounding, half of eps.
    assert difference_step(large, small) == pytest.approx(eps ** (1 / 3) * 5 / 0.5, rel=eps / 2)
    doubles = {name: value.double() for name, value in large.items()}
    assert difference_step(doubles, doubles) == EPS ** (1 / 3) * 5 / 5
