"""The largest eigenvalue that the power iteration finds, and the error that it states, are true."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from manual_backprop.training.sharpness import (
    Sharpness,
    difference_step,
    largest_eigenvalue,
)
from quadratics import EPS, Tensors, flat, generator, quadratic


def rounding_of_a_product(hessian: Tensor, parameters: Tensors) -> float:
    """What the central difference of a quadratic's gradient is off by, for a direction of length 1.

    There is no term of h². A sum of 4 products has 4 roundings of |H| |θ| and θ ± h v has 2, which H passes
    on: 6 for g(θ ± h v). Two of these over 2h; a difference and a quotient round the result, below ‖H‖.
    """
    step = difference_step(parameters, {"v": torch.ones(1)})
    reach = flat(parameters).norm().item() + step
    size = torch.linalg.matrix_norm(hessian).item()
    return EPS / 2 * size * (6 * reach / step + 2)


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


def test_the_largest_stable_rate_is_two_over_the_eigenvalue() -> None:
    """Where nothing curves upwards there is no limit."""
    rates = [Sharpness(value, {}, 0, 0, 1, True).largest_stable_rate for value in (4.0, 0.0, -1.0)]
    assert rates == [0.5, math.inf, math.inf]
