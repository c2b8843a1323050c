"""Why a descent stopped: against the rules is a mismatch, and an overflow of one witness alone as well."""

import math

import pytest
import torch

from descents import RULES, WRT, changed, cut, judged, trained
from manual_backprop import DERIVATIVES, forward, lesson
from manual_backprop.lesson import descent
from torch_reference.lesson.side_by_side import judge
from torch_reference.lesson.stopping import broken_rule, overflow_of_one
from torch_reference.lesson.training import train


@pytest.mark.parametrize(
    ("steps", "stopped", "problem"),
    [
        (49, descent.Stopped.STEP_LIMIT, "stopped at step 49 (step limit), where no rule says so"),
        (49, descent.Stopped.CONVERGED, "stopped at step 49 (converged), where no rule says so"),
        (50, descent.Stopped.CONVERGED, "says converged at step 50: it is step limit"),
        (50, descent.Stopped.DIVERGED, "says diverged at step 50: it is step limit"),
    ],
)
def test_a_stop_against_the_rules_fails(steps: int, stopped: descent.Stopped, problem: str) -> None:
    """A step too early, or for another reason than the numbers give, although every number is right."""
    right = descent.descend(lesson.start(), *lesson.data(), **RULES)
    judgement = judged(cut(right, steps, stopped))
    assert judgement.problems == [f"manual {problem}"]
    assert not judgement.agrees
    reference = trained(WRT, torch.float64, **RULES)
    swapped = judge(reference, cut(right, steps, stopped), *lesson.data(), **RULES)
    assert swapped.problems == [f"reference {problem}"]


@pytest.mark.medium
def test_a_step_after_convergence_fails() -> None:
    """Stopping at the second small step instead of the first."""
    longer = descent.descend(
        lesson.start(), *lesson.data(), learning_rate=0.1, max_steps=311, min_step_size=0.0
    )
    judgement = judged(cut(longer, 311, descent.Stopped.CONVERGED), max_steps=1000)
    assert judgement.problems == [
        "manual went on after a point at which the rules say stop; it stopped at step 311"
    ]


def test_a_step_of_exactly_the_smallest_size_is_no_convergence() -> None:
    """Below it, the rule says: a descent that goes on, or stops at the step limit, breaks no rule."""
    right = descent.descend(lesson.start(), *lesson.data(), **RULES | {"max_steps": 20})
    least = max(sizes[-1].abs().item() for sizes in right.step_sizes.values())
    assert broken_rule(right, 20, least) is None
    assert "it is converged" in broken_rule(right, 20, math.nextafter(least, 1))


@pytest.mark.parametrize("point", [0, 5, 19])
def test_a_descent_that_goes_on_after_a_number_that_is_not_finite_breaks_a_rule(point: int) -> None:
    """At any point but the last."""
    right = descent.descend(lesson.start(), *lesson.data(), **RULES | {"max_steps": 20})
    wrong = changed(right, "derivatives", "w3", point, math.nan)
    assert broken_rule(wrong, 20, 0.001).startswith("went on after a point at which the rules say stop")


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_number_that_is_not_finite_on_one_side_fails(bad: float) -> None:
    """A NaN is not divergence, unless the other witness nearly overflows as well."""
    right = descent.descend(lesson.start(), *lesson.data(), **RULES)
    short = cut(right, 20, descent.Stopped.DIVERGED)
    judgement = judged(changed(short, "derivatives", "w3", 20, bad))
    assert not judgement.agrees
    assert "d_ssr_d_w3 at step 20" in judgement.problems[0]
    # What one descent records after the other's end is its own matter.
    longer = changed(cut(right, 21, descent.Stopped.DIVERGED), "derivatives", "w3", 21, bad)
    reference = cut(right, 20, descent.Stopped.STEP_LIMIT)
    assert judge(longer, reference, *lesson.data(), **RULES).points == 21
    never_says_so = judged(changed(cut(right, 20, descent.Stopped.CONVERGED), "derivatives", "w3", 20, bad))
    assert never_says_so.problems == [
        "manual says converged at step 20: it is diverged",
        *judgement.problems,
    ]


@pytest.mark.parametrize(("other", "explained"), [(1.79e308, True), (1e300, False)])
def test_one_overflow_is_explained_only_near_the_largest_number(other: float, explained: bool) -> None:
    """The finite witness's number and its bound must reach the largest number of the dtype."""
    one, two = ({"ssr": torch.tensor([1.0, value], dtype=torch.float64)} for value in (torch.inf, other))
    limits = {"ssr": torch.tensor([1e-10, 1e307], dtype=torch.float64)}
    assert (overflow_of_one(one, two, limits, 1) == []) is explained
    assert (overflow_of_one(two, one, limits, 1) == []) is explained


def test_one_overflow_is_explained_from_exactly_the_largest_number_on() -> None:
    """A number at most the bound below it may have been that, or beyond."""
    inf, zero = (torch.tensor([value], dtype=torch.float64) for value in (torch.inf, 0.0))
    largest = torch.full_like(zero, torch.finfo(torch.float64).max)
    assert overflow_of_one({"ssr": inf}, {"ssr": zero}, {"ssr": largest}, 0) == []


def test_an_overflow_is_told_once_and_of_the_step_that_leads_there() -> None:
    """Two names overflow alone at point 2, the first of them in step 1."""
    inf, one = (torch.tensor([1.0, value], dtype=torch.float64) for value in (torch.inf, 1.0))
    first, second, limits = (
        {"ssr": one.new_ones(3), "step_size_w3": step, "step_size_w4": step}
        for step in (inf, one, 1e-9 * one)
    )
    expected = ["step_size_w3 at step 2 is inf and 1: no rounding does that"]
    assert overflow_of_one(first, second, limits, 2) == expected


def test_an_overflow_of_one_at_the_start_is_no_rounding() -> None:
    """No step leads to the start, and everything else is looked at there."""
    none, one, small = (torch.tensor(value, dtype=torch.float64) for value in ([], [torch.inf], [1.0]))
    first, second = ({"step_size_w3": none, "ssr": ssr} for ssr in (one, small))
    limits = {"step_size_w3": none, "ssr": 1e-9 * small}
    expected = ["ssr at step 0 is inf and 1: no rounding does that"]
    assert overflow_of_one(first, second, limits, 0) == expected


def test_a_start_that_overflows_at_once_agrees_after_no_step() -> None:
    """An SSR beyond the largest number, on both sides: no step leads to the start, and none is compared."""
    inputs, observed = lesson.data()
    histories = [f(lesson.start(), inputs, 1e200 * observed, **RULES) for f in (descent.descend, train)]
    assert [(history.steps, str(history.stopped)) for history in histories] == [(0, "diverged")] * 2
    judgement = judge(*histories, inputs, 1e200 * observed, **RULES)
    assert judgement.agrees
    assert judgement.points == 0


def test_a_step_that_overflows_alone_is_explained_by_a_neighbour_near_the_largest_number() -> None:
    """It leads to a point that is not compared, and is not compared itself."""
    inputs, observed = lesson.data()
    data = inputs, 1e150 * observed
    slope = DERIVATIVES["b3"](forward(lesson.start(), *data)).abs().item()
    rules = RULES | {"learning_rate": torch.finfo(torch.float64).max * (1 - 1e-15) / slope}
    manual, reference = (f(lesson.start(), *data, ("b3",), **rules) for f in (descent.descend, train))
    assert [(h.steps, str(h.stopped)) for h in (manual, reference)] == [(1, "diverged")] * 2
    further = changed(manual, "step_sizes", "b3", 0, 1 + 1e-14)
    assert further.step_sizes["b3"].isinf().all()
    further = changed(further, "parameters", "b3", 1, 1 + 1e-14)
    judgement = judge(further, reference, *data, **rules)
    assert judgement.agrees, judgement
    assert (judgement.points, judgement.drift) == (1, None)
