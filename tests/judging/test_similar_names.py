"""The name that somebody meant who wrote another one."""

import pytest

from torch_reference.judging.calls.similar_names import did_you_mean

LESSON = ("w1", "b1", "w2", "b2", "w3", "w4", "b3", "x1", "y1", "predicted")


@pytest.mark.parametrize("name", ["d_w3", "dw3", "W3", "w_3", "grad_w3", "dSSR_dw3", "d_ssr_d_w3", "w3.grad"])
def test_the_ways_to_write_a_derivative_are_known(name: str) -> None:
    """Each of them means w3."""
    assert did_you_mean(name, LESSON) == "did you mean w3?"


def test_a_slip_of_the_pen_is_known_and_another_word_is_none() -> None:
    """The nearest name as a whole comes before one that it only begins with."""
    assert did_you_mean("hidden.wieght", ["hidden", "hidden.weight"]) == "did you mean hidden.weight?"
    assert did_you_mean("prediction", LESSON) == ""
    assert did_you_mean("loss", LESSON) == ""
