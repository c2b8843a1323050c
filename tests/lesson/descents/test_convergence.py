"""What the bowl's eigenvalues say of a descent is what the descent does."""

import itertools
import math
from fractions import Fraction

import pytest
import torch

from bowls import (
    CASES,
    EPS,
    INPUTS,
    OBSERVED,
    START,
    bowl_of,
    descent_of,
    eigen_rounding,
    split_rounding,
)
from manual_backprop import LESSON_WRT, forward
from manual_backprop.lesson import convergence
from manual_backprop.lesson.convergence import (
    Bowl,
    bowl,
    factors,
    half_lives,
    ssr_after,
    steps_along,
    steps_to,
)

cases = pytest.mark.parametrize("case", CASES)


def test_the_lessons_bowl_has_the_stated_figures() -> None:
    """Eigenvalues, the largest stable rate of 0.1347, and a minimum at which the SSR is 0."""
    found = bowl(forward(START, INPUTS, OBSERVED))
    assert found.wrt == LESSON_WRT
    # The figures are rounded to four decimals: half a unit of the last one.
    assert found.eigenvalues.tolist() == pytest.approx([14.8510, 3.0841, 0.1106], abs=5e-5)
    assert found.largest_stable_rate == pytest.approx(0.1347, abs=5e-5)
    # Half a unit of the last digit of each, relative to their sum.
    assert found.best_rate == pytest.approx(2 / (14.8510 + 0.1106), rel=1e-4 / 14.9615)
    # What is left of the residual is off by the rounding of the split, and squared.
    assert found.least <= split_rounding("the lesson") ** 2 * found.ssr.sum().item()
    assert found.ssr.sum().item() == pytest.approx(1.3977, abs=5e-5)


@cases
def test_the_directions_are_eigenvectors_and_hold_the_whole_ssr(case: str) -> None:
    """H V = V diag(λ), steepest first; their parts and the least SSR add up to the SSR at the start."""
    found = bowl_of(case)
    parameters, inputs, observed, wrt = CASES[case]
    hessian = convergence.hessian(forward(parameters, inputs, observed), wrt)
    for column, eigenvalue in zip(found.vectors.mT.tolist(), found.eigenvalues.tolist(), strict=True):
        vector = [Fraction(number) for number in column]
        for row, number in zip(hessian.tolist(), vector, strict=True):
            product = sum(Fraction(entry) * other for entry, other in zip(row, vector, strict=True))
            assert abs(product - Fraction(eigenvalue) * number) <= eigen_rounding(case)
    assert (found.eigenvalues.diff() <= 0).all()
    assert (found.ssr >= 0).all()
    total = found.least + found.ssr.sum().item()
    ssr = forward(parameters, inputs, observed).ssr.item()
    assert total == pytest.approx(ssr, rel=split_rounding(case), abs=0)


def test_a_direction_that_rounding_alone_moves_never_moves() -> None:
    """Two equal nodes: w3 up and w4 down leaves every prediction, and its eigenvalue is exactly 0."""
    found = bowl_of("a direction that never moves")
    assert (found.eigenvalues == 0).tolist() == [False, False, True]
    assert found.ssr[-1] == 0
    assert half_lives(found, 0.1)[-1] == math.inf
    assert factors(found, 0.1)[-1] == 1
    assert found.best_rate == 2 / (found.eigenvalues[0] + found.eigenvalues[1]).item()
    flat = bowl(forward({**START, "b1": START["b1"] - 800}, INPUTS, OBSERVED), ("w3",))
    assert (flat.largest_stable_rate, flat.best_rate) == (math.inf, math.inf)
    # Nothing is taken away from the residual.
    assert flat.least == forward({**START, "b1": START["b1"] - 800}, INPUTS, OBSERVED).ssr.item()


@cases
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.1346])
def test_the_ssr_after_any_steps_is_the_descents(case: str, rate: float) -> None:
    """Within what rounding may make of both."""
    found, (descent, apart) = bowl_of(case), descent_of(case, rate)
    for steps in (0, 1, 2, 7, 40):
        expected = found.least + ssr_after(found, rate, steps).sum().item()
        assert abs(descent.ssr[steps].item() - expected) <= apart[steps].item()
        # Where the rate is not stable, bound and SSR grow alike: a part in a hundred million is still seen.
        assert apart[steps] < 1e-8 * descent.ssr[steps]


@pytest.mark.medium(2)
@cases
@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_the_step_at_which_an_ssr_is_reached_is_the_descents(case: str, rate: float) -> None:
    """The first step with so small an SSR, for SSRs between two steps of the descent."""
    found, (descent, apart) = bowl_of(case), descent_of(case, rate)
    for step, (before, after) in enumerate(itertools.pairwise(descent.ssr.tolist()), start=1):
        # Otherwise rounding alone may carry either over the middle.
        if before - after > 2 * max(apart[step - 1], apart[step]).item():
            assert steps_to(found, rate, (before + after) / 2) == step


def test_an_ssr_that_is_never_reached_has_no_step() -> None:
    """Below the least SSR, or with a rate that is not stable; one that holds at the start takes no step."""
    found = bowl_of("an SSR that stays")
    assert found.least > 0.1
    assert steps_to(found, 0.01, found.least * (1 - 1e-9)) is None
    assert steps_to(found, 0.01, 100.0) == 0
    assert steps_to(found, 0.01, found.least + found.ssr.sum().item()) == 0
    assert steps_to(found, found.largest_stable_rate, found.least + 1e-3) is None
    assert steps_to(found, 1.0, 0.1) is None
    assert steps_to(found, 0.0, found.least + 1e-3) is None
    slow = steps_to(found, 1e-9, found.least + 1e-3)
    assert isinstance(slow, int)
    assert slow > 10**9
    assert found.least + ssr_after(found, 1e-9, slow).sum().item() <= found.least + 1e-3
    assert found.least + ssr_after(found, 1e-9, slow - 1).sum().item() > found.least + 1e-3


def test_along_each_direction_the_first_step_is_found() -> None:
    """At that step the direction holds no more than the SSR asked for, at the step before it does."""
    found = bowl_of("the lesson")
    for rate, ssr in itertools.product((0.01, 0.1, 0.13), (1e-1, 1e-3, 1e-9)):
        for direction, steps in enumerate(steps_along(found, rate, ssr)):
            if steps == 0:
                assert found.ssr[direction] <= ssr
                continue
            assert ssr_after(found, rate, steps)[direction] <= ssr
            assert ssr_after(found, rate, steps - 1)[direction] > ssr
    at_start = found.ssr.max().item()
    assert steps_along(found, 0.1, at_start) == [0, 0, 0]
    assert steps_along(found, 0.1, 0.0) == [None, None, None]
    assert steps_along(found, found.largest_stable_rate * (1 + 1e-9), 1e-9)[0] is None
    assert steps_along(found, 0.0, 1e-9) == [None, None, None]
    # At the rate 1/λ a single step arrives.
    assert steps_along(found, 1 / found.eigenvalues[0].item(), 1e-20)[0] == 1


def test_half_lives_halve_the_distance() -> None:
    """|1 − ηλ|ⁿ is a half; a direction that grows, or keeps its distance, never halves."""
    found = bowl_of("the lesson")
    for rate in (0.01, 0.1, 0.13):
        assert factors(found, rate).tolist() == (1 - rate * found.eigenvalues).tolist()
        for factor, steps in zip(factors(found, rate).tolist(), half_lives(found, rate), strict=True):
            # 1 and η λ round the factor by half an eps of each, here and in its logarithm; logarithms,
            # quotient and power, by 4 roundings of the exponent log ½.
            off = EPS * (steps * (1 + abs(1 - factor)) / abs(factor) + 2)
            assert abs(factor) ** steps == pytest.approx(0.5, rel=off, abs=0)
    assert half_lives(found, 0.2)[0] == math.inf
    assert half_lives(found, 0.0) == [math.inf] * 3


def test_no_step_leaves_the_ssr_even_at_a_rate_that_arrives_in_one() -> None:
    """0 steps times a logarithm of minus infinity would be NaN."""
    found = Bowl(("w3",), torch.tensor([4.0]), torch.eye(1), torch.tensor([2.0]), 0.0)
    assert ssr_after(found, 0.25, 0).tolist() == [2.0]
    assert ssr_after(found, 0.25, 1).tolist() == [0.0]
    assert half_lives(found, 0.25) == [0.0]


def test_the_best_rate_shrinks_the_slowest_direction_most() -> None:
    """A rate a hundredth smaller or larger leaves some direction with a larger factor."""
    found = bowl_of("the lesson")
    slowest = [factors(found, scale * found.best_rate).abs().max() for scale in (0.99, 1.0, 1.01)]
    assert min(slowest) == slowest[1]
