"""The quick descent takes, bit for bit, the steps of the triangle's; its triangle is that of the data."""

import math
import re
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import manual_backprop
from lessons_seven import seven_only
from manual_backprop import LESSON_WRT, lesson
from manual_backprop.fast import quick_descent, triangle, triangle_descent
from manual_backprop.fast.triangle_descent import descend
from manual_backprop.lesson import descent
from manual_backprop.lesson.descent import History, Stopped
from strategies import Case, cases
from straying import is_stable, plain_strayed, triangle_strayed

free = st.lists(st.sampled_from(LESSON_WRT), unique=True, min_size=1)


def assert_same(one: History, other: History) -> None:
    """Every number of two histories, to the bit; a NaN is a NaN."""
    assert (one.stopped, one.steps) == (other.stopped, other.steps)
    pairs = [(one.ssr, other.ssr)]
    for field in ("parameters", "derivatives", "step_sizes"):
        mine, theirs = getattr(one, field), getattr(other, field)
        assert list(mine) == list(theirs)
        pairs += [(mine[name], theirs[name]) for name in mine]
    for mine, theirs in pairs:
        assert mine.dtype == theirs.dtype == torch.float64
        # torch.equal takes no NaN for one: the tolerances of 0 leave equality.
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0, equal_nan=True)


@seven_only
@given(
    case=cases(batches=False),
    wrt=free,
    rules=st.fixed_dictionaries(
        {
            "learning_rate": st.sampled_from([1e-9, 1e-3, 0.1, 10.0]),
            "max_steps": st.integers(0, 12),
            "min_step_size": st.sampled_from([0.0, 1e-3, 1e3]),
        }
    ),
)
@example(case=Case(lesson.start(), *lesson.data()), wrt=list(LESSON_WRT), rules={"learning_rate": 0.1})
@example(case=Case(lesson.start(), *lesson.data()), wrt=["b3"], rules={"learning_rate": 1.0})
def test_every_step_is_that_of_the_triangle(case: Case, wrt: list[str], rules: dict[str, Any]) -> None:
    """Converged, diverged or at the limit, for any of the three parameters."""
    one = triangle.from_data(*case)
    assert_same(quick_descent.descend(*case, wrt, **rules), descend(one, case.parameters, wrt, **rules))


@seven_only
def test_the_lessons_descent_is_that_of_all_observations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate of 0.1 converges at step 310, at the same point to within what rounding adds in each step.

    All of it the quick way, which leaves only what diverges to the other.
    """
    case = Case(lesson.start(), *lesson.data())
    assert is_stable(case, 0.1)
    monkeypatch.setattr(triangle_descent, "descend", lambda *_, **__: pytest.fail("the slow way"))
    quick = quick_descent.descend(*case, learning_rate=0.1)
    plain = descent.descend(*case, learning_rate=0.1)
    assert (quick.stopped, quick.steps) == (plain.stopped, plain.steps) == (Stopped.CONVERGED, 310)
    apart = triangle_strayed(quick, triangle.from_data(*case), case, 0.1) + plain_strayed(plain, case, 0.1)
    for name in manual_backprop.PARAMETERS:
        difference = (quick.parameters[name] - plain.parameters[name]).abs()
        assert (difference <= (apart if name in LESSON_WRT else 0)).all()


def test_a_descent_of_the_hidden_layer_is_the_plain_one() -> None:
    """w1 moves the activations, of which the triangle is made."""
    start, data = lesson.start(), lesson.data()
    rules: dict[str, Any] = {"max_steps": 5, "learning_rate": 0.05}
    assert_same(
        quick_descent.descend(start, *data, ("w1", "w3"), **rules),
        descent.descend(start, *data, ("w1", "w3"), **rules),
    )


@seven_only
def test_every_descent_has_the_same_defaults() -> None:
    """The lesson's rate and limit, and its three parameters: whoever changes over gets the same steps."""
    case = Case(lesson.start(), *lesson.data())
    quick = quick_descent.descend(*case, min_step_size=0.0)
    assert_same(quick, descend(triangle.from_data(*case), case.parameters, min_step_size=0.0))
    assert (quick.steps, list(quick.derivatives)) == (1000, list(LESSON_WRT))
    assert torch.equal(quick.step_sizes["w3"], 0.01 * quick.derivatives["w3"][:-1])


@seven_only
def test_a_late_divergence_obeys_the_rules_that_were_given() -> None:
    """From steps far below the default of the smallest size, and far beyond the default of the limit."""
    case = Case(lesson.start(), *lesson.data())
    one = triangle.from_data(*case)
    steepest = 2 * torch.linalg.matrix_norm(one.rows[:, :3], 2).item() ** 2
    # The best point, off by little: each step is 1.3 times as long as the one before.
    best = torch.linalg.solve_triangular(one.rows[:3, :3], one.rows[:3, 3:], upper=True).flatten() + 1e-9
    start = {**case.parameters, **dict(zip(LESSON_WRT, best, strict=True))}
    rules: dict[str, Any] = {"learning_rate": 2.3 / steepest, "max_steps": 10_000, "min_step_size": 0.0}
    quick = quick_descent.descend(start, *case[1:], **rules)
    assert quick.stopped is Stopped.DIVERGED
    assert quick.steps > 1000
    assert quick.step_sizes["w3"][0].abs() < 0.001
    assert_same(quick, descend(one, start, **rules))


@pytest.mark.parametrize("name", LESSON_WRT)
def test_a_step_of_exactly_the_smallest_size_goes_on(name: str) -> None:
    """As by the plain rules: below it, not at it."""
    case = Case(lesson.start(), *lesson.data())
    least = quick_descent.descend(*case, [name], max_steps=1).step_sizes[name].abs().item()
    stopped = quick_descent.descend(*case, [name], max_steps=1, min_step_size=least).stopped
    assert stopped is Stopped.STEP_LIMIT
    above = math.nextafter(least, math.inf)
    assert quick_descent.descend(*case, [name], max_steps=1, min_step_size=above).stopped is Stopped.CONVERGED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wrt": ()}, "wrt must name at least one"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"max_steps": -1}, "max_steps must be a whole number"),
        ({"min_step_size": float("nan")}, "min_step_size must be at least 0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(change: dict[str, Any], message: str) -> None:
    """As by the plain descent."""
    with pytest.raises(ValueError, match=re.escape(message)):
        quick_descent.descend(lesson.start(), *lesson.data(), **change)
