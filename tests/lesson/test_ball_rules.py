"""Every rule of ball arithmetic gives the radius that docs/tolerance.md, section 2, derives for it."""

import math

import pytest
import torch

import torch_reference
from manual_backprop import lesson
from torch_reference.lesson.ball import MARGIN, Ball, Rounding

# Powers of two, so that every radius below is exact and no two terms of a rule look alike.
UNIT, SMALLEST, NORMAL = 2.0**-10, 2.0**-30, 2.0**-20
EVALUATION = 20 * 2.0**-52
"""Each side takes at most 3 exponentials and logarithms, of one ulp each, and 14 products, sums and quotients
of positive numbers, of half an ulp each; the terms left over cover the second order."""
ROUNDING = Rounding(unit=UNIT, smallest=SMALLEST, smallest_normal=NORMAL, elementary_ulps=1)


def ball(middle: float | list[float], radius: float | list[float]) -> Ball:
    """A ball of float64."""
    return Ball(torch.tensor(middle, dtype=torch.float64), torch.tensor(radius, dtype=torch.float64))


def numbers(found: Ball) -> tuple[float, float]:
    """Middle and radius."""
    return found.middle.item(), found.radius.item()


A, B, C = ball(3.0, 0.5), ball(-5.0, 0.25), ball(2.0, 0.125)  # of size 4, 5.5 and 2.25


def test_the_size_holds_the_exact_value_and_every_evaluation() -> None:
    """|m| + 2r."""
    assert [x.size.item() for x in (A, B, C)] == [4.0, 5.5, 2.25]


def test_a_power_of_two_scales_without_rounding() -> None:
    """2ᵏ r, whatever the sign."""
    assert numbers(A.scaled(-2.0)) == (-6.0, 1.0)


def test_a_given_number_has_no_radius() -> None:
    """Both witnesses read the same bits; the middle is float64."""
    found = ROUNDING.exact(torch.tensor(1.5, dtype=torch.float32))
    assert numbers(found) == (1.5, 0.0)
    assert found.middle.dtype == found.radius.dtype == torch.float64


def test_the_radius_of_a_product() -> None:
    """s_a r_b + s_b r_a + u s_a s_b + η."""
    assert numbers(ROUNDING.product(A, B)) == (-15.0, 4 * 0.25 + 5.5 * 0.5 + UNIT * 4 * 5.5 + SMALLEST)


def test_the_radius_of_a_sum_of_two() -> None:
    """r_a + r_b + u (|m_a + m_b| + 2 (r_a + r_b)): relative to the result, which cancels here."""
    assert numbers(ROUNDING.plus(A, B)) == (-2.0, 0.75 + UNIT * (2.0 + 2 * 0.75))


def test_the_radius_of_a_sum_of_three() -> None:
    """r_a + r_b + r_c + 2u (s_a + s_b + s_c)."""
    assert numbers(ROUNDING.total(A, B, C)) == (0.0, 0.875 + 2 * UNIT * (4 + 5.5 + 2.25))


def test_the_radius_of_a_sum_of_n() -> None:
    """Σ r + (n − 1) u Σ s, over the last dimension; a single term is not rounded."""
    terms = ball([[3.0, -5.0, 2.0], [1.0, 1.0, 1.0]], [[0.5, 0.25, 0.125], [0.0, 0.0, 0.0]])
    found = ROUNDING.sum(terms)
    assert found.middle.tolist() == [0.0, 3.0]
    assert found.radius.tolist() == [0.875 + 2 * UNIT * 11.75, 2 * UNIT * 3.0]
    assert ROUNDING.sum(ball([[3.0]], [[0.5]])).radius.tolist() == [0.5]


@pytest.mark.parametrize("ulps", [1, 2])
def test_the_radius_of_softplus(ulps: int) -> None:
    """(σ(m + 2r) + ω) r + (4K + 1) u y_max + 2η, y_max = y + 2 (σ(m + 2r) + ω) r."""
    rounding = Rounding(UNIT, SMALLEST, NORMAL, ulps)
    slope = 1 / (1 + math.exp(-4.0)) + NORMAL
    y = math.log(1 + math.exp(3.0))
    expected = slope * 0.5 + (4 * ulps + 1) * UNIT * (y + 2 * slope * 0.5) + 2 * SMALLEST
    assert numbers(rounding.softplus(A)) == pytest.approx((y, expected), rel=EVALUATION)
    # Far on the left nothing is left but what underflow may do.
    left = rounding.softplus(ball(-800.0, 0.5))
    # exp(−799) is below every float64, and the rest are small multiples of powers of two: exact.
    assert numbers(left) == (0.0, NORMAL * 0.5 + (4 * ulps + 1) * UNIT * NORMAL + 2 * SMALLEST)


@pytest.mark.parametrize("ulps", [1, 2])
def test_the_radius_of_the_sigmoid(ulps: int) -> None:
    """σ(m + 2r) σ(2r − m) r + (2K + 2) u σ(m + 2r) + ω."""
    rounding = Rounding(UNIT, SMALLEST, NORMAL, ulps)
    above, below = 1 / (1 + math.exp(-4.0)), 1 / (1 + math.exp(2.0))
    expected = above * below * 0.5 + (2 * ulps + 2) * UNIT * above + NORMAL
    found = numbers(rounding.sigmoid(A))
    assert found == pytest.approx((1 / (1 + math.exp(-3.0)), expected), rel=EVALUATION)


@pytest.mark.parametrize(("device", "ulps"), [("cpu", 1), ("cuda", 2)])
def test_a_rounding_is_the_dtypes(device: str, ulps: int) -> None:
    """Half of eps, the smallest subnormal and the smallest normal number, and what the libraries state."""
    double = Rounding.of(torch.float64, torch.device(device))
    assert double == Rounding(2.0**-53, 2.0**-1074, 2.0**-1022, ulps)
    single = Rounding.of(torch.float32, torch.device(device))
    assert single == Rounding(2.0**-24, 2.0**-149, 2.0**-126, ulps)


def test_a_bound_is_two_radii_and_the_margin() -> None:
    """Two correct witnesses lie within two radii; 1 + 2⁻²⁰ covers the second order."""
    parameters, (inputs, observed) = lesson.start(), lesson.data()
    rounding = Rounding.of(torch.float64, torch.device("cpu"))
    exact = {name: rounding.exact(parameters[name].expand(3)) for name in ("w1", "b1")}
    x1 = rounding.plus(rounding.product(exact["w1"], rounding.exact(inputs)), exact["b1"])
    bounds = torch_reference.bounds(parameters, inputs, observed)
    assert MARGIN == 1 + 2**-20
    assert torch.equal(bounds["x1"], 2 * MARGIN * x1.radius)
    assert torch.equal(bounds["d_predicted_d_w3"], 2 * MARGIN * rounding.softplus(x1).radius)
