"""The largest eigenvalue that the power iteration finds, and the error that it states, are true."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import torch_reference.perceptron
import torch_reference.sharpness
from manual_backprop import perceptron
from manual_backprop.architecture import initial_parameters
from manual_backprop.sharpness import (
    Sharpness,
    difference_step,
    hessian_vector_product,
    largest_eigenvalue,
)
from tests.strategies_layers import make_perceptron_case

Tensors = dict[str, Tensor]
EPS = torch.finfo(torch.float64).eps


def generator(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def quadratic(eigenvalues: list[float]) -> tuple[Callable[[Tensors], Tensors], Tensors, Tensor]:
    """The gradient of ½ θᵀ H θ for an H with these eigenvalues, a point, and H; θ is split in two names."""
    size = len(eigenvalues)
    basis, _ = torch.linalg.qr(torch.randn(size, size, generator=generator(5), dtype=torch.float64))
    hessian = basis @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ basis.T

    def gradient(parameters: Tensors) -> Tensors:
        slope = hessian @ torch.cat([parameters["a"], parameters["b"]])
        return {"a": slope[:1], "b": slope[1:]}

    point = torch.randn(size, generator=generator(6), dtype=torch.float64)
    return gradient, {"a": point[:1], "b": point[1:]}, hessian


def flat(tensors: Tensors) -> Tensor:
    """All numbers in a row."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors.values()])


@pytest.mark.parametrize(
    "eigenvalues",
    [
        [5.0, 1.0, 0.5, -1.0],
        [1.0, -7.0, 0.5, 0.25],  # the largest in size is negative
        [3.0, -3.0, 1.0, 0.0],  # two of opposite signs keep the first iteration from settling
        [-1.0, -2.0, -4.0, -8.0],
        [2.0, 2.0, 2.0, 2.0],
    ],
    ids=str,
)
def test_the_largest_eigenvalue_is_found_whatever_the_others(eigenvalues: list[float]) -> None:
    """The largest, not the largest in size, with its vector, within the error that is stated."""
    gradient, parameters, hessian = quadratic(eigenvalues)
    found = largest_eigenvalue(gradient, parameters, generator())
    assert found.converged
    assert abs(found.eigenvalue - max(eigenvalues)) <= found.residual + found.error
    assert found.residual + found.error <= 1e-3 * abs(found.eigenvalue)
    assert {name: value.shape for name, value in found.vector.items()} == {
        name: value.shape for name, value in parameters.items()
    }
    vector = flat(found.vector)
    assert vector.norm().item() == pytest.approx(1, rel=4 * EPS)
    true_residual = (hessian @ vector - found.eigenvalue * vector).norm().item()
    assert abs(true_residual - found.residual) <= 2 * found.error
    expected = 2 / found.eigenvalue if found.eigenvalue > 0 else math.inf
    assert found.largest_stable_rate == expected


def counted(gradient: Callable[[Tensors], Tensors]) -> tuple[Callable[[Tensors], Tensors], list[int]]:
    """A gradient that counts its calls."""
    calls: list[int] = []
    return lambda parameters: calls.append(1) or gradient(parameters), calls


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8])
def test_no_more_products_are_made_than_allowed(most: int) -> None:
    """Four gradients each; two eigenvalues of one size are not told apart, and the result says so."""
    gradient, calls = counted(quadratic([3.0, -3.0, 1.0])[0])
    found = largest_eigenvalue(
        gradient, quadratic([3.0, -3.0, 1.0])[1], generator(), tolerance=0.0, max_products=most
    )
    assert not found.converged
    assert found.products == most
    assert len(calls) == 4 * most


def test_the_iteration_ends_as_soon_as_it_has_converged() -> None:
    """A multiple of the identity needs one product."""
    gradient, parameters, _ = quadratic([2.0, 2.0, 2.0])
    assert largest_eigenvalue(gradient, parameters, generator()).products == 1


def test_a_tighter_tolerance_is_kept() -> None:
    """By residual and error together."""
    gradient, parameters, _ = quadratic([5.0, 4.5, 0.5])
    loose, tight = (largest_eigenvalue(gradient, parameters, generator(), tolerance=t) for t in (1e-2, 1e-6))
    assert loose.products < tight.products
    assert tight.converged
    assert tight.residual + tight.error <= 1e-6 * tight.eigenvalue


def test_no_curvature_at_all_is_an_eigenvalue_of_zero() -> None:
    """The iteration ends where the next direction has no length; nothing limits the learning rate."""
    parameters = {"a": torch.ones(1).double(), "b": torch.ones(2).double()}
    found = largest_eigenvalue(
        lambda own: {name: 0 * value + 1 for name, value in own.items()}, parameters, generator()
    )
    assert (found.eigenvalue, found.residual, found.converged) == (0.0, 0.0, True)
    assert found.largest_stable_rate == math.inf


def test_an_overflow_ends_the_iteration_without_a_claim() -> None:
    """A gradient that is not finite has no eigenvalue."""
    parameters = {"a": torch.ones(3).double()}
    found = largest_eigenvalue(
        lambda own: {"a": own["a"] * torch.inf}, parameters, generator(), max_products=9
    )
    assert not found.converged
    assert found.products == 2


def test_a_seed_means_one_result() -> None:
    """The start is drawn in float64 from the generator; another seed starts elsewhere."""
    gradient, parameters, _ = quadratic([5.0, 1.0, -4.0])
    one, same, other = (largest_eigenvalue(gradient, parameters, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(flat(one.vector), flat(same.vector))
    assert not torch.equal(flat(one.vector), flat(other.vector))
    assert one.eigenvalue == same.eigenvalue


@pytest.mark.parametrize("loss", ["ssr", "cross_entropy_mean"])
@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_the_product_is_autograds_within_twice_the_error_that_it_estimates(
    activation: str, loss: str
) -> None:
    """The central difference against reverse over reverse, on a perceptron."""
    widths, activations = (3, 4, 2), (activation, None)
    case = make_perceptron_case(widths, activations, loss, 5, torch.float64, seed=3)
    network = perceptron.perceptron(widths, activations)
    parameters = initial_parameters(network, generator(1))
    direction = initial_parameters(network, generator(2))

    def gradient(own: Tensors) -> Tensors:
        return perceptron.gradients(network, own, case.inputs, case.targets, loss)

    found = hessian_vector_product(gradient, parameters, direction)
    exact = torch_reference.sharpness.hessian_vector_product(
        torch_reference.perceptron.sequential(widths, activations),
        parameters,
        case.inputs,
        case.targets,
        direction,
        loss,
    )
    assert list(found.value) == list(parameters)
    off = (flat(found.value) - flat({name: exact[name] for name in parameters})).norm().item()
    # An estimate: where the term of h² and the rounding are of one size, their difference is a little short.
    assert off <= 2 * found.error
    # Of the size of eps^⅔, as the docstring says; the factors are the third derivative's and the gradient's.
    assert found.error <= 1e3 * EPS ** (2 / 3) * flat(found.value).norm().item()


def test_the_error_is_what_doubling_the_step_changes() -> None:
    """Of θ³ at 0 the quotient is h² where the derivative is 0, without any rounding: 4h² − h²."""
    parameters, direction = {"a": torch.zeros(1).double()}, {"a": torch.ones(1).double()}
    found = hessian_vector_product(lambda own: {"a": own["a"] ** 3}, parameters, direction)
    h = difference_step(parameters, direction)
    assert found.value["a"].item() == pytest.approx(h**2, rel=1e-12)
    assert found.error == pytest.approx(3 * h**2, rel=1e-12)


def test_the_products_of_the_reference_are_those_of_its_whole_hessian() -> None:
    """H v by reverse over reverse, and H row by row, symmetric to within rounding."""
    widths, activations = (2, 3, 1), ("tanh", None)
    case = make_perceptron_case(widths, activations, "ssr", 4, torch.float64, seed=4)
    network = torch_reference.perceptron.sequential(widths, activations)
    data = (network, case.parameters, case.inputs, case.targets)
    hessian = torch_reference.sharpness.hessian(*data)
    direction = {name: torch.ones_like(value) for name, value in case.parameters.items()}
    product = torch_reference.sharpness.hessian_vector_product(*data, direction)
    assert hessian.shape == (13, 13)
    rounding = 1e3 * EPS * hessian.abs().sum()
    assert (hessian - hessian.T).abs().amax() <= rounding
    assert (flat({name: product[name] for name in case.parameters}) - hessian.sum(1)).abs().amax() <= rounding


def test_the_step_of_the_difference_is_the_formulas() -> None:
    """∛eps · max(1, ‖θ‖) / ‖v‖, in the dtype's eps."""
    small = {"a": torch.tensor([0.3, 0.4]), "b": torch.zeros(2)}
    large = {"a": torch.tensor([3.0]), "b": torch.tensor([4.0])}
    eps = torch.finfo(torch.float32).eps
    assert difference_step(small, large) == pytest.approx(eps ** (1 / 3) / 5, rel=1e-6)
    assert difference_step(large, small) == pytest.approx(eps ** (1 / 3) * 5 / 0.5, rel=1e-6)
    doubles = {name: value.double() for name, value in large.items()}
    assert difference_step(doubles, doubles) == pytest.approx(EPS ** (1 / 3), rel=1e-15)


@pytest.mark.parametrize(("length", "found"), [(0.0, "0.0"), (math.inf, "inf"), (math.nan, "nan")])
def test_a_direction_without_a_length_is_refused(length: float, found: str) -> None:
    """In one line."""
    with pytest.raises(ValueError, match="direction") as raised:
        difference_step({"a": torch.ones(2)}, {"a": torch.tensor([length, 0.0])})
    assert str(raised.value) == f"the direction must have a length above 0 and below inf, found {found}"


def test_a_direction_of_another_shape_is_refused() -> None:
    """It would broadcast."""
    with pytest.raises(ValueError, match="direction") as raised:
        hessian_vector_product(dict, {"a": torch.ones(2)}, {"a": torch.ones(1)})
    assert str(raised.value) == "the direction of a must have shape (2,), found (1,)"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"tolerance": -1e-3}, "tolerance must be at least 0 and below inf, found -0.001"),
        ({"tolerance": math.nan}, "tolerance must be at least 0 and below inf, found nan"),
        ({"max_products": 0}, "max_products must be at least 1 and below inf, found 0"),
    ],
)
def test_a_senseless_setting_is_refused(setting: dict[str, float], message: str) -> None:
    """Before anything is computed."""
    with pytest.raises(ValueError, match="must be at least") as raised:
        largest_eigenvalue(dict, {"a": torch.ones(2)}, generator(), **setting)
    assert str(raised.value) == message


def test_the_largest_stable_rate_is_two_over_the_eigenvalue() -> None:
    """Where nothing curves upwards there is no limit."""
    rates = [Sharpness(value, {}, 0, 0, 1, True).largest_stable_rate for value in (4.0, 0.0, -1.0)]
    assert rates == [0.5, math.inf, math.inf]
