"""The descent on the triangle is the lesson's, step by step; what does not fit a triangle is refused."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import manual_backprop
from lessons_seven import seven_only
from manual_backprop import LESSON_WRT, lesson
from manual_backprop.fast.triangle import Triangle, from_data, merge
from manual_backprop.fast.triangle_descent import descend, ssr_and_derivatives
from manual_backprop.lesson.descent import Stopped
from strategies import Case, cases
from straying import is_stable, plain_strayed, triangle_strayed

pytestmark = seven_only


def test_the_descent_on_the_triangle_is_the_lessons() -> None:
    """310 steps at learning rate 0.1, to the same end; 3 observations or the same million times over."""
    one = from_data(lesson.start(), *lesson.data())
    history = descend(one, lesson.start(), learning_rate=0.1)
    plain = manual_backprop.lesson.descent.descend(lesson.start(), *lesson.data(), learning_rate=0.1)
    assert (history.steps, history.stopped) == (plain.steps, plain.stopped) == (310, Stopped.CONVERGED)
    case = Case(lesson.start(), *lesson.data())
    assert is_stable(case, 0.1)
    apart = triangle_strayed(history, one, case, 0.1) + plain_strayed(plain, case, 0.1)
    wrong = descend(one, lesson.start(), learning_rate=0.1 * (1 + 1e-9))
    for name in LESSON_WRT:
        assert ((history.parameters[name] - plain.parameters[name]).abs() <= apart).all()
        # A planted mistake: a learning rate that is off by 1e-9.
        assert ((wrong.parameters[name] - plain.parameters[name]).abs() > apart).any()
    assert set(history.parameters) == set(manual_backprop.PARAMETERS)
    frozen = history.parameters["w1"]
    assert frozen.eq(lesson.start()["w1"]).all()


@given(case=cases(batches=False), wrt=st.lists(st.sampled_from(LESSON_WRT), unique=True, min_size=1))
def test_every_step_on_the_triangle_is_a_step_of_the_plain_descent(case: Case, wrt: list[str]) -> None:
    """At every point the numbers are the triangle's there, and the step is rate · derivative."""
    one = from_data(*case)
    history = descend(one, case.parameters, wrt, learning_rate=1e-7, max_steps=2, min_step_size=0.0)
    for step in range(history.steps):
        here = {name: value[step] for name, value in history.parameters.items()}
        ssr, derivatives = ssr_and_derivatives(one, here)
        assert history.ssr[step] == ssr
        for name in LESSON_WRT:
            size = 1e-7 * derivatives[name] if name in wrt else 0
            assert history.parameters[name][step + 1] == here[name] - size
    assert list(history.derivatives) == wrt


MADE_FOR = "the triangle was made for another"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one, p: merge([]), "merge needs at least one triangle, found none"),
        (
            lambda one, p: merge([one, from_data({**p, "b2": p["b2"] + 1}, *lesson.data())]),
            f"{MADE_FOR} b2: a hidden layer that moves needs the data again",
        ),
        (
            lambda one, p: ssr_and_derivatives(one, {**p, "w1": p["w1"] + 1}),
            f"{MADE_FOR} w1: a hidden layer that moves needs the data again",
        ),
        (
            lambda one, p: ssr_and_derivatives(one, {"w3": p["w3"]}),
            "missing parameter w4, b3: all of w3, w4, b3 are needed",
        ),
        (
            lambda one, p: ssr_and_derivatives(one, {**p, "w5": p["w3"]}),
            "unknown parameter 'w5': the known ones are w1, b1, w2, b2, w3, w4, b3",
        ),
        (
            lambda one, p: from_data({"w1": p["w1"]}, *lesson.data()),
            "missing parameter b1, w2, b2: all of w1, b1, w2, b2 are needed",
        ),
        (lambda one, p: descend(one, p, ["w1"]), "unknown parameter 'w1': the known ones are w3, w4, b3"),
        (lambda one, p: descend(one, p, []), "wrt must name at least one of w3, w4, b3, found none"),
        (
            lambda one, p: descend(one, p, learning_rate=0.0),
            "learning_rate must be above 0 and finite, found 0.0",
        ),
        (
            lambda one, p: descend(
                from_data(p, lesson.data()[0].expand(2, 3), lesson.data()[1].expand(2, 3)), p
            ),
            "descent takes one network and one triangle, parameters of shape () and rows of shape (4, 4), "
            "found () and (2, 4, 4)",
        ),
    ],
)
def test_bad_input_is_one_clear_line(
    call: Callable[[Triangle, dict[str, Tensor]], object], message: str
) -> None:
    """ValueError says what was wrong, what was expected and what was found."""
    parameters = lesson.start()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call(from_data(parameters, *lesson.data()), parameters)
