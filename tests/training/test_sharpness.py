"""The largest eigenvalue that the power iteration finds, and the error that it states, are true."""

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import torch_reference.lockstep.sharpness
import torch_reference.networks.perceptron
from manual_backprop.networks import perceptron
from manual_backprop.networks.architecture import initial_parameters
from manual_backprop.training.sharpness import (
    Sharpness,
    difference_step,
    hessian_vector_product,
    largest_eigenvalue,
)
from strategies_layers import make_perceptron_case

Tensors = dict[str, Tensor]
EPS = torch.finfo(torch.float64).eps


def generator(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def quadratic(eigenvalues: list[float]) -> tuple[Callable[[Tensors], Tensors], Tensors, Tensor]:
    """The gradient of ½ θᵀ H θ (two names), a point, and H = V diag(λ) V with V of ±½: no rounding."""
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    basis = torch.kron(pair, pair) / 2
    hessian = basis @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ basis

    def gradient(parameters: Tensors) -> Tensors:
        slope = hessian @ torch.cat([parameters["a"], parameters["b"]])
        return {"a": slope[:1], "b": slope[1:]}

    point = torch.randn(4, generator=generator(6), dtype=torch.float64)
    return gradient, {"a": point[:1], "b": point[1:]}, hessian


def rounding_of_a_product(hessian: Tensor, parameters: Tensors) -> float:
    """What the central difference of a quadratic's gradient is off by, for a direction of length 1.

    There is no term of h². A sum of 4 products has 4 roundings of |H| |θ| and θ ± h v has 2, which H passes
    on: 6 for g(θ ± h v). Two of these over 2h; a difference and a quotient round the result, below ‖H‖.
    """
    step = difference_step(parameters, {"v": torch.ones(1)})
    reach = flat(parameters).norm().item() + step
    size = torch.linalg.matrix_norm(hessian).item()
    return EPS / 2 * size * (6 * reach / step + 2)


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
    """The largest, not the largest in size, with its vector, by residual and rounding."""
    gradient, parameters, hessian = quadratic(eigenvalues)
    found = largest_eigenvalue(gradient, parameters, generator())
    assert found.converged
    # Of a symmetric H some eigenvalue lies within ‖H v − λ v‖ / ‖v‖ of any λ; what is computed of it has
    # at most the roundings of H v, of its norm and of ‖v‖: 8 each of the residual.
    off = rounding_of_a_product(hessian, parameters)
    assert abs(found.eigenvalue - max(eigenvalues)) <= (found.residual + off) * (1 + 16 * EPS)
    assert found.residual + found.error <= 1e-3 * abs(found.eigenvalue)
    assert {name: value.shape for name, value in found.vector.items()} == {
        name: value.shape for name, value in parameters.items()
    }
    vector = flat(found.vector)
    # Two norms (a square and 3 sums, halved by the root, and the root: 3), an inverse, a product: 8 eps / 2.
    assert vector.norm().item() == pytest.approx(1, rel=4 * EPS)
    # Of H v − λ v: 4 roundings of each sum of 4 products, 2 for λ v, in what is stated and here.
    true_residual = (hessian @ vector - found.eigenvalue * vector).norm().item()
    assert abs(true_residual - found.residual) <= off + 6 * EPS * torch.linalg.matrix_norm(hessian).item()
    expected = 2 / found.eigenvalue if found.eigenvalue > 0 else math.inf
    assert found.largest_stable_rate == expected


def counted(gradient: Callable[[Tensors], Tensors]) -> tuple[Callable[[Tensors], Tensors], list[int]]:
    """A gradient that counts its calls."""
    calls: list[int] = []
    return lambda parameters: calls.append(1) or gradient(parameters), calls


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8])
def test_no_more_products_are_made_than_allowed(most: int) -> None:
    """Four gradients each; two eigenvalues of one size are not told apart, and the result says so."""
    gradient, calls = counted(quadratic([3.0, -3.0, 1.0, 0.0])[0])
    found = largest_eigenvalue(
        gradient, quadratic([3.0, -3.0, 1.0, 0.0])[1], generator(), tolerance=0.0, max_products=most
    )
    assert not found.converged
    assert found.products == most
    assert len(calls) == 4 * most


@pytest.mark.slow
def test_a_thousand_products_are_allowed_unless_said_otherwise() -> None:
    """Here they are needed: no product is so exact."""
    gradient, parameters, _ = quadratic([3.0, -3.0, 1.0, 0.0])
    assert largest_eigenvalue(gradient, parameters, generator(), tolerance=0.0).products == 1000


def test_a_small_curvature_is_followed_to_the_end_and_keeps_its_dtype() -> None:
    """A direction of a length below 1 is no end; float32 stays float32."""
    found = largest_eigenvalue(
        lambda own: {"a": own["a"] / 4}, {"a": torch.ones(3)}, generator(), tolerance=0.0, max_products=6
    )
    assert found.products == 6
    assert found.vector["a"].dtype == torch.float32


@pytest.mark.parametrize("scale", [2.0, 0.25, 0.0])
def test_the_iteration_ends_as_soon_as_it_has_converged(scale: float) -> None:
    """A multiple of the identity needs one product; so does a gradient that is 0 everywhere."""
    gradient, parameters, _ = quadratic([scale] * 4)
    found = largest_eigenvalue(gradient, parameters, generator())
    assert (found.products, found.converged) == (1, True)
    # The start, drawn in float64; a quotient here, a product with an inverse there: 8 roundings or fewer.
    source = generator()
    start = torch.cat([torch.randn(size, dtype=torch.float64, generator=source) for size in (1, 3)])
    torch.testing.assert_close(flat(found.vector), start / start.norm(), rtol=4 * EPS, atol=0)


def test_the_first_iteration_multiplies_by_the_hessian_as_it_is() -> None:
    """λ = −1 and ½: shifted by 1 it would find ½ at once, as it is it finds −1 and has to start again."""
    gradient, parameters, hessian = quadratic([-1.0, 0.5, 0.5, 0.5])
    seen: list[Tensor] = []

    def spied(own: Tensors) -> Tensors:
        seen.append(flat(own))
        return gradient(own)

    largest_eigenvalue(spied, parameters, generator(), max_products=5)
    # Of each product the first call is at θ + h v and the second at θ − h v.
    directions = [
        (above - below) / (above - below).norm() for above, below in zip(seen[::4], seen[1::4], strict=True)
    ]
    step = difference_step(parameters, {"v": torch.ones(1)})
    # θ ± h v round by 2 of eps / 2 of ‖θ‖ + h: off by that over h, twice as much once it has length 1 again.
    off = 2 * EPS * (flat(parameters).norm().item() / step + 1)
    expected = hessian @ directions[0]
    # H hands the direction's own error on, and making the length 1 magnifies it: twice over the length.
    allowed = off + 2 * (off + rounding_of_a_product(hessian, parameters)) / expected.norm().item()
    assert (directions[1] - expected / expected.norm()).norm().item() <= allowed


def test_two_opposite_eigenvalues_settle_at_once_when_the_shift_makes_one_of_them_zero() -> None:
    """λ = 1 and −1, twice: the first iteration wanders for ever, and v · H v is not how long H v is."""
    gradient, parameters, _ = quadratic([1.0, -1.0, 1.0, -1.0])
    found = largest_eigenvalue(gradient, parameters, generator(), max_products=4)
    assert (found.products, found.converged) == (4, True)
    assert abs(found.eigenvalue - 1) <= found.residual + found.error


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


def test_a_tighter_tolerance_is_kept() -> None:
    """By residual and error together."""
    gradient, parameters, _ = quadratic([5.0, 4.5, 0.5, 0.0])
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
    assert (found.eigenvalue, found.residual, found.products) == (0.0, 0.0, 2)
    # A gradient of 1 hides, in its rounding, curvatures of the size of the error: no thousandth of 0.
    assert found.error > 0
    assert not found.converged
    assert found.largest_stable_rate == math.inf


@pytest.mark.parametrize("factor", [torch.inf, 1e200], ids=["gradient", "length"])
def test_an_overflow_ends_the_iteration_without_a_claim(factor: float) -> None:
    """A gradient that is not finite has no eigenvalue, and one whose length is not finite no direction."""
    parameters = {"a": torch.ones(3).double()}
    found = largest_eigenvalue(lambda own: {"a": own["a"] * factor}, parameters, generator(), max_products=9)
    assert not found.converged
    assert found.products == 2


@pytest.mark.parametrize("least", [-4.0, -8.0], ids=["one iteration", "two"])
def test_a_seed_means_one_result(least: float) -> None:
    """Every start is drawn in float64 from the generator; another seed starts elsewhere."""
    gradient, parameters, _ = quadratic([5.0, 1.0, least, 0.0])
    one, same, other = (largest_eigenvalue(gradient, parameters, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(flat(one.vector), flat(same.vector))
    assert not torch.equal(flat(one.vector), flat(other.vector))
    assert one.eigenvalue == same.eigenvalue


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
