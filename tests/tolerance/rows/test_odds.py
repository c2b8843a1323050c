"""The odds that docs/tolerance.md states, from the constants of the code."""

import math

import pytest
import torch

from torch_reference.tolerance.certainty import BY_CHANCE, certain, certain_with_coarse
from torch_reference.tolerance.movement import DRAWS, FACTOR
from torch_reference.tolerance.rounding.roundings import SPREAD, unit
from torch_reference.tolerance.rows.added_up import REACH
from torch_reference.tolerance.second_look import COARSE_DRAWS
from torch_reference.tolerance.verdicts import AHEAD

ROUNDING = 0.43
"""The standard deviation of a right one's rounding, in units of u."""
SIZES = torch.linspace(0, 8, 200_001, dtype=torch.float64)
"""Of a normal number, in deviations."""


def below(size: torch.Tensor | float) -> torch.Tensor:
    """The probability that a normal number is smaller than that in size."""
    return torch.special.erf(torch.as_tensor(size, dtype=torch.float64) / math.sqrt(2))


def largest(count: int) -> float:
    """How large the largest of so many is in size, on average: ∫ 1 − F."""
    return float(torch.trapezoid(1 - below(SIZES) ** count, SIZES))


def stated(t: float) -> float:
    """The closed form of the page."""
    half = DRAWS // 2
    return 2 * DRAWS * 0.8**DRAWS * 2.0 ** (half - 1) * math.gamma(half) * t**-DRAWS


def test_a_rounding_has_a_deviation_of_043() -> None:
    """Of numbers that are spread logarithmically, over one binade."""
    values = 2 ** torch.linspace(0, 1, 1_000_001, dtype=torch.float64)
    off = (values.bfloat16().double() - values) / values / unit(torch.bfloat16)
    exact = math.sqrt(1 / (8 * math.log(2)))
    assert off.square().mean().sqrt().item() == pytest.approx(exact, rel=1e-2)
    assert exact < ROUNDING


def test_a_false_alarm_is_as_improbable_as_stated() -> None:
    """10⁻¹⁴ for an element, 2 · 10⁻⁷ with twice the roundings; the closed form is above the integral."""
    t = FACTOR * SPREAD / ROUNDING
    assert t == pytest.approx(7, abs=0.05)
    for at, what in ((t, 1e-14), (t / math.sqrt(2), 2e-7)):
        beyond = 1 - below(at * SIZES)
        exact = float(torch.trapezoid(beyond, below(SIZES) ** DRAWS))
        assert exact < stated(at)
        assert stated(at) == pytest.approx(what, rel=0.3)


def test_the_largest_of_many_draws() -> None:
    """2.5 deviations of 48, and how many times the largest of one to four."""
    assert largest(DRAWS) == pytest.approx(2.5, abs=0.01)
    assert FACTOR * 2.3 < REACH < FACTOR * largest(DRAWS)
    for count, times in enumerate(AHEAD, 1):
        assert largest(DRAWS) / largest(count) == pytest.approx(times, abs=0.06)


def test_what_cannot_be_by_chance() -> None:
    """No deviation in 48 draws, no largest of nine in 64 pairs, nothing turned by 64 roundings in three."""
    assert float(below(1.0)) ** DRAWS == pytest.approx(1e-8, rel=0.2)
    assert math.pow(7 / 9, 64) == pytest.approx(1e-7, rel=0.1)
    assert float(below(1 / 64)) ** 3 == pytest.approx(2e-6, rel=0.1)


def test_what_is_called_certain_after_few_draws() -> None:
    """Each of the others small or on the grid, and each coarse one small, the last four as well as fewer."""
    for draws in range(4, DRAWS + 1):
        for coarse in range(1, COARSE_DRAWS + 1):
            ratio = certain(draws) if coarse == COARSE_DRAWS else certain_with_coarse(draws, coarse)
            by_chance = (0.5 + 0.3 / ratio) ** draws * (0.6 / ratio) ** coarse
            assert by_chance < 5 * BY_CHANCE, (draws, coarse)
            assert certain(draws) <= ratio
            is_less = (0.5 + 0.3 / (ratio / 8)) ** draws * (0.6 / (ratio / 8)) ** coarse
            assert is_less > BY_CHANCE or ratio == certain(draws), (draws, coarse)  # no farther than it takes
