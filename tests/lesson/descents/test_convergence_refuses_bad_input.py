"""What is no quadratic bowl, or no learning rate, is refused in one line each."""

import math

import pytest

from bowls import INPUTS, OBSERVED, START, bowl_of
from manual_backprop import forward
from manual_backprop.lesson.convergence import (
    bowl,
    factors,
    half_lives,
)


@pytest.mark.parametrize(
    ("wrt", "found"), [(("w3", "w1", "b2"), "w1, b2"), ((), "no name")], ids=["curved", "none"]
)
def test_a_parameter_in_which_the_ssr_is_no_bowl_is_refused(wrt: tuple[str, ...], found: str) -> None:
    """The hidden layer's, and no parameter at all."""
    with pytest.raises(ValueError, match="quadratic bowl") as raised:
        bowl(forward(START, INPUTS, OBSERVED), wrt)
    expected = f"the SSR is a quadratic bowl in some of w3, w4, b3 only, found {found}"
    assert str(raised.value) == expected


def test_second_derivatives_that_overflow_are_refused() -> None:
    """In one line, with the dtype."""
    with pytest.raises(ValueError, match="overflow") as raised:
        bowl(forward(START, 1e200 * INPUTS, OBSERVED))
    expected = "the SSR's second derivatives overflow torch.float64 on these data and parameters"
    assert str(raised.value) == expected


@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize("function", [factors, half_lives])
def test_a_learning_rate_that_makes_no_sense_is_refused(function, rate: float) -> None:
    """Below 0, without end, or no number."""
    with pytest.raises(ValueError, match="learning_rate must be at least 0 and below inf, found"):
        function(bowl_of("the lesson"), rate)
