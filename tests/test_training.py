"""Both descents agree within the derived bound of docs/trajectory.md, and every planted mistake does not."""

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import Case, cases
from strategies_training import Task, tasks
from torch import Tensor

from manual_backprop import DERIVATIVES, PARAMETERS, descent, forward, lesson
from torch_reference import training
from torch_reference.curvature import hessians, segment_bounds
from torch_reference.side_by_side import Judgement, judge
from torch_reference.stopping import broken_rule, overflow_of_one
from torch_reference.training import train
from torch_reference.trajectory import trajectory_bounds

WRT = ("w3", "w4", "b3")
RULES = {"learning_rate": 0.1, "max_steps": 50, "min_step_size": 0.001}
Values = dict[str, Tensor]


def start_of(wrt: tuple[str, ...], dtype: torch.dtype = torch.float64) -> Values:
    """The lesson's start, or its follow-up's for all seven parameters."""
    values = lesson.START_OF_ALL_SEVEN if len(wrt) == len(PARAMETERS) else lesson.START
    return {name: torch.tensor(value, dtype=dtype) for name, value in values.items()}


def judged(manual: descent.History, wrt: tuple[str, ...] = WRT, **rules: float) -> Judgement:
    """The verdict on a manual descent from the lesson's start, in the dtype of its history."""
    rules = RULES | rules
    reference = trained(wrt, manual.ssr.dtype, **rules)
    return judge(manual, reference, *lesson.data(manual.ssr.dtype), **rules)


@cache
def trained(wrt: tuple[str, ...], dtype: torch.dtype, **rules: float) -> training.History:
    """The reference's descent from the lesson's start, which many tests read."""
    return train(start_of(wrt, dtype), *lesson.data(dtype), wrt, **rules)


@given(task=tasks())
def test_the_trajectories_agree_within_the_bound(task: Task) -> None:
    """For any network, data, choice of parameters and learning rate, in both dtypes: never a false alarm."""
    parameters, inputs, observed, wrt, rules = task
    manual = descent.descend(parameters, inputs, observed, wrt, **rules)
    reference = train(parameters, inputs, observed, wrt, **rules)
    judgement = judge(manual, reference, inputs, observed, **rules)
    assert judgement.agrees, judgement


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("learning_rate", [0.01, 0.1, 0.2])
@pytest.mark.parametrize("wrt", [WRT, PARAMETERS])
def test_the_lessons_trajectories_agree(
    wrt: tuple[str, ...], learning_rate: float, dtype: torch.dtype
) -> None:
    """Converging, oscillating and diverging ones, of the lesson and of its follow-up."""
    rules = RULES | {"learning_rate": learning_rate}
    manual = descent.descend(start_of(wrt, dtype), *lesson.data(dtype), wrt, **rules)
    assert judged(manual, wrt, **rules).agrees


def test_the_reference_ends_where_the_lesson_does() -> None:
    """Learning rate 0.1 stops at step 310, at the stated point; so do both, to within their derived bound."""
    rules = RULES | {"max_steps": 1000}
    reference = trained(WRT, torch.float64, **rules)
    assert (reference.steps, reference.stopped) == (310, training.Stopped.CONVERGED)
    end = [reference.parameters[name][-1].item() for name in WRT]
    # The figures are rounded to four decimals: half a unit of the last one.
    assert end == pytest.approx([-1.1692, -2.2150, 2.5176], abs=5e-5)
    assert reference.ssr[-1].item() == pytest.approx(0.0010, abs=5e-5)
    judgement = judged(descent.descend(lesson.start(), *lesson.data(), **rules), **rules)
    assert judgement.agrees
    assert judgement.points == judgement.telling == 311
    # docs/trajectory.md, section 6: the bound is 3.6e-13 where the difference is largest.
    assert judgement.drift.difference <= judgement.drift.bound < 3.65e-13


def test_both_histories_have_the_same_form() -> None:
    """The packages never import each other: the contract is the names of the fields and of the reasons."""
    ours, theirs = (dataclasses.fields(module.History) for module in (descent, training))
    assert [field.name for field in ours] == [field.name for field in theirs]
    assert list(descent.Stopped) == list(training.Stopped)


@given(task=tasks())
def test_training_changes_nothing_that_it_is_given(task: Task) -> None:
    """No requires_grad, no gradient, no value is left behind in the start or the data."""
    before = {name: value.clone() for name, value in task.parameters.items()}
    history = train(task.parameters, task.inputs, task.observed, task.wrt, **task.rules)
    for name, value in task.parameters.items():
        assert torch.equal(value, before[name])
        assert not value.requires_grad
        assert history.parameters[name].data_ptr() != value.data_ptr()
        if name not in task.wrt:
            assert (history.parameters[name] == value).all()


def test_a_stop_at_another_step_is_explained_by_rounding_at_the_threshold() -> None:
    """A threshold between the two witnesses' step sizes: one stops a step earlier, and both are right."""
    inputs, observed = lesson.data(torch.float32)
    start = lesson.start(torch.float32)
    rules = RULES | {"min_step_size": 0.0}
    both = [f(start, inputs, observed, **rules) for f in (descent.descend, train)]
    largest = [torch.stack(list(h.step_sizes.values())).abs().amax(0).double() for h in both]
    different = (largest[0] != largest[1]).nonzero().flatten().tolist()
    step = different[len(different) // 2]
    rules["min_step_size"] = float(largest[0][step] + largest[1][step]) / 2
    manual, reference = (f(start, inputs, observed, **rules) for f in (descent.descend, train))
    assert manual.steps != reference.steps
    assert judge(manual, reference, inputs, observed, **rules).agrees


# The planted mistakes. Each is a descent that goes wrong in one place, and the place is part of the verdict.

Derive = Callable[[list[Values]], Values]


def gradient(point: Mapping[str, Tensor]) -> Values:
    """The hand-derived gradient of the lesson's three parameters at a point."""
    trace = forward(point, *lesson.data())
    return {name: DERIVATIVES[name](trace) for name in WRT}


def descend_by(derive: Derive, rate: float = 0.1, steps: int = 50) -> descent.History:
    """A descent of the lesson whose derivatives come from a function of all points so far."""
    points, derivatives, sizes = [lesson.start()], [], []
    for _ in range(steps):
        derivatives.append(derive(points))
        sizes.append({name: rate * value for name, value in derivatives[-1].items()})
        points.append(points[-1] | {name: points[-1][name] - sizes[-1][name] for name in WRT})
    derivatives.append(derive(points))
    return descent.History(
        {name: torch.stack([row[name] for row in points]) for name in PARAMETERS},
        torch.stack([forward(row, *lesson.data()).ssr for row in points]),
        {name: torch.stack([row[name] for row in derivatives]) for name in WRT},
        {name: torch.stack([row[name] for row in sizes]) for name in WRT},
        descent.Stopped.STEP_LIMIT,
    )


def sequential(points: list[Values]) -> Values:
    """Each derivative at a point where the parameters before it have already moved."""
    moved, derivatives = dict(points[-1]), {}
    for name in WRT:
        derivatives[name] = gradient(moved)[name]
        moved[name] = moved[name] - 0.1 * derivatives[name]
    return derivatives


def scaled(**factors: float) -> Derive:
    """The right gradient with some derivatives multiplied."""
    return lambda points: {name: factors.get(name, 1) * value for name, value in gradient(points[-1]).items()}


def late(step: int, factor: float) -> Derive:
    """The right gradient, until one derivative goes wrong at one step."""
    return lambda points: scaled(w4=factor if len(points) == step + 1 else 1.0)(points)


WRONG_DERIVATIVES: dict[str, tuple[Derive, tuple[str, int]]] = {
    "sequential updates": (sequential, ("d_ssr_d_b3", 0)),
    "derivatives of the step before": (
        lambda points: gradient(points[max(len(points) - 2, 0)]),
        ("d_ssr_d_b3", 1),
    ),
    "derivatives of the start": (lambda points: gradient(points[0]), ("d_ssr_d_b3", 1)),
    "relative error of 1e-9 in one": (scaled(w3=1 + 1e-9), ("d_ssr_d_w3", 0)),
    "relative error of 1e-9 in b3's": (scaled(b3=1 - 1e-9), ("d_ssr_d_b3", 0)),
    "relative error of 1e-9 at step 40 alone": (late(40, 1 + 1e-9), ("d_ssr_d_w4", 40)),
    "sign": (scaled(w4=-1), ("d_ssr_d_w4", 0)),
    "factor two": (scaled(w3=2, w4=2, b3=2), ("d_ssr_d_b3", 0)),
    "mean for sum": (scaled(w3=1 / 3, w4=1 / 3, b3=1 / 3), ("d_ssr_d_b3", 0)),
    "w3 and w4 swapped": (
        lambda points: (g := gradient(points[-1])) | {"w3": g["w4"], "w4": g["w3"]},
        ("d_ssr_d_w3", 0),
    ),
    "a parameter forgotten": (scaled(b3=0), ("d_ssr_d_b3", 0)),
    "derivatives accumulated": (
        lambda points: {n: sum(gradient(p)[n] for p in points[-2:]) for n in WRT},
        ("d_ssr_d_b3", 1),
    ),
}


def test_the_planted_descents_are_right_without_their_mistake() -> None:
    """What fails below fails for the mistake, not for the way in which the tests descend."""
    assert judged(descend_by(lambda points: gradient(points[-1]))).agrees


@pytest.mark.parametrize("mistake", WRONG_DERIVATIVES)
def test_a_wrong_derivative_fails_where_it_starts(mistake: str) -> None:
    """The verdict names the derivative and the step at which the mistake is first made."""
    derive, place = WRONG_DERIVATIVES[mistake]
    judgement = judged(descend_by(derive))
    assert not judgement.agrees
    assert judgement.first_wrong == place


@pytest.mark.parametrize("wrt", [WRT, PARAMETERS])
@pytest.mark.parametrize("factor", [1 + 1e-9, 1 - 1e-9, 2.0])
def test_a_wrong_learning_rate_fails_at_the_first_step(factor: float, wrt: tuple[str, ...]) -> None:
    """One part in 1e9, with the right derivatives."""
    rules = RULES | {"learning_rate": 0.1 * factor}
    judgement = judged(descent.descend(start_of(wrt), *lesson.data(), wrt, **rules), wrt)
    assert not judgement.agrees
    name, step = judgement.first_wrong
    assert (name[:10], step) == ("step_size_", 0)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_relative_error_of_1e_9_in_any_of_seven_derivatives_fails(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted in the table that the manual descent reads."""
    right = DERIVATIVES[name]
    monkeypatch.setitem(descent.DERIVATIVES, name, lambda trace: (1 + 1e-9) * right(trace))
    manual = descent.descend(start_of(PARAMETERS), *lesson.data(), PARAMETERS, **RULES)
    assert judged(manual, PARAMETERS).first_wrong == (f"d_ssr_d_{name}", 0)


def changed(history: descent.History, field: str, name: str, row: int, factor: float) -> descent.History:
    """A history with one number changed."""
    values = {key: value.clone() for key, value in getattr(history, field).items()}
    values[name][row] *= factor
    return dataclasses.replace(history, **{field: values})


@pytest.mark.parametrize(
    ("field", "name", "place"),
    [
        ("parameters", "w3", ("w3", 20)),
        ("parameters", "w1", ("w1", 20)),
        ("derivatives", "w4", ("d_ssr_d_w4", 20)),
        ("step_sizes", "b3", ("step_size_b3", 20)),
    ],
)
def test_one_wrong_number_of_the_history_fails(field: str, name: str, place: tuple[str, int]) -> None:
    """A frozen parameter too, which has no drift at all."""
    right = descent.descend(lesson.start(), *lesson.data(), **RULES)
    assert judged(changed(right, field, name, 20, 1 + 1e-9)).first_wrong == place


def cut(history: descent.History, steps: int, stopped: descent.Stopped) -> descent.History:
    """The first steps of a history."""

    def first(values: Mapping[str, Tensor], rows: int) -> Values:
        return {name: value[:rows] for name, value in values.items()}

    return descent.History(
        first(history.parameters, steps + 1),
        history.ssr[: steps + 1],
        first(history.derivatives, steps + 1),
        first(history.step_sizes, steps),
        stopped,
    )


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


def test_a_step_after_convergence_fails() -> None:
    """Stopping at the second small step instead of the first."""
    longer = descent.descend(
        lesson.start(), *lesson.data(), learning_rate=0.1, max_steps=311, min_step_size=0.0
    )
    judgement = judged(cut(longer, 311, descent.Stopped.CONVERGED), max_steps=1000)
    assert judgement.problems == [
        "manual went on after a point at which the rules say stop; it stopped at step 311"
    ]


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


@pytest.mark.slow
def test_the_reference_stops_by_default_where_the_manual_descent_does() -> None:
    """One set of defaults, and below the smallest step size, not at it; no step has no step size."""
    mine, theirs = (function(lesson.start(), *lesson.data()) for function in (descent.descend, train))
    assert judge(mine, theirs, *lesson.data(), learning_rate=0.01, max_steps=1000, min_step_size=0.001).agrees
    assert (len(mine.ssr), mine.stopped) == (len(theirs.ssr), theirs.stopped)
    assert len(train(lesson.start(), *lesson.data(), min_step_size=0.0).ssr) == 1001
    [size] = train(lesson.start(), *lesson.data(), ("w3",), max_steps=1).step_sizes["w3"].abs().tolist()
    [at, above] = (
        train(lesson.start(), *lesson.data(), ("w3",), max_steps=1, min_step_size=least).stopped
        for least in (size, math.nextafter(size, 1))
    )
    assert (at, above) == ("step limit", "converged")
    none = train(lesson.start(), *lesson.data(), max_steps=0)
    assert {len(sizes) for sizes in none.step_sizes.values()} == {0}


def test_an_overflow_of_one_at_the_start_is_no_rounding() -> None:
    """No step leads to the start, and everything else is looked at there."""
    none, one, small = (torch.tensor(value, dtype=torch.float64) for value in ([], [torch.inf], [1.0]))
    first, second = ({"step_size_w3": none, "ssr": ssr} for ssr in (one, small))
    limits = {"step_size_w3": none, "ssr": 1e-9 * small}
    expected = ["ssr at step 0 is inf and 1: no rounding does that"]
    assert overflow_of_one(first, second, limits, 0) == expected


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


def test_the_last_numbers_that_are_recorded_are_compared_too() -> None:
    """The last point, and the last step, which leads to it."""
    right = descent.descend(lesson.start(), *lesson.data(), **RULES)
    assert judged(changed(right, "parameters", "w3", 50, 1 + 1e-9)).first_wrong == ("w3", 50)
    assert judged(changed(right, "step_sizes", "w3", 49, 1 + 1e-9)).first_wrong == ("step_size_w3", 49)


def test_of_several_wrong_numbers_the_first_computed_is_named() -> None:
    """A point before its derivatives, whatever the letters say, and these before the step."""
    right = descent.descend(lesson.start(), *lesson.data(), **RULES)
    wrong = changed(right, "step_sizes", "b3", 20, 1 + 1e-9)
    wrong = changed(wrong, "derivatives", "w4", 20, 1 + 1e-9)
    assert judged(wrong).first_wrong == ("d_ssr_d_w4", 20)
    assert judged(changed(wrong, "parameters", "w3", 20, 1 + 1e-9)).first_wrong == ("w3", 20)


def test_the_largest_difference_is_shown_with_its_place_and_its_bound() -> None:
    """Of the parameters that move; of none where none differs."""
    right = descent.descend(lesson.start(), *lesson.data(), **RULES)
    wrong = changed(right, "parameters", "w3", 20, 1 + 1e-9)
    wrong = changed(wrong, "parameters", "w4", 30, 1 + 1e-6)
    drift = judged(changed(wrong, "parameters", "b3", 40, 1 + 1e-8)).drift
    assert (drift.name, drift.step) == ("w4", 30)
    assert drift.difference == pytest.approx(1e-6 * abs(right.parameters["w4"][30].item()), rel=1e-6)
    limits = trajectory_bounds(right, trained(WRT, torch.float64, **RULES), *lesson.data(), 0.1)
    assert drift.bound == pytest.approx(limits["w4"][30].item(), rel=1e-3)
    reference = trained(WRT, torch.float64, **RULES)
    assert judge(reference, reference, *lesson.data(), **RULES).drift is None


def test_the_bound_tells_as_long_as_it_is_no_larger_than_the_parameters_have_been() -> None:
    """From zero on, where both are zero; and not by the size to which they grow later."""
    start = lesson.start() | {"w3": torch.zeros(()).double()}
    from_zero = train(start, *lesson.data(), ("w3",), **RULES)
    assert judge(from_zero, from_zero, *lesson.data(), **RULES).telling == len(from_zero.ssr)
    inputs, observed = lesson.data(torch.float32)
    small = train(lesson.start(torch.float32), inputs, observed, ("b3",), **RULES | {"max_steps": 2})
    small = dataclasses.replace(
        small, parameters=small.parameters | {"b3": torch.tensor([1e-20, 1e-20, 1.0])}
    )
    assert judge(small, small, inputs, observed, **RULES).telling == 1


def test_training_an_unknown_parameter_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(ValueError, match="unknown parameter 'w5': the known ones are w1, b1"):
        train(lesson.start(), *lesson.data(), ("w5",))


def test_descents_of_different_parameters_are_no_match() -> None:
    """The names are compared before any number."""
    manual = descent.descend(lesson.start(), *lesson.data(), ("w3",))
    names = ", ".join(f"'{name}'" for name in sorted(PARAMETERS))
    expected = f"manual (({names}), ('w3',)), reference (({names}), ('b3', 'w3', 'w4'))"
    with pytest.raises(ValueError, match=re.escape(f"the descents record different names: {expected}")):
        judged(manual)


# What the bound rests on.


@given(case=cases(batches=False, dtypes=st.just(torch.float64)), data=st.data())
def test_the_bounds_of_a_segment_hold_along_it(case: Case, data: st.DataObject) -> None:
    """‖H‖ ≤ S and ‖H(p) − H(q)‖ ≤ M ‖p − q‖, up to the rounding of H that docs/trajectory.md derives."""
    wrt = tuple(data.draw(st.lists(st.sampled_from(PARAMETERS), unique=True, min_size=1), label="wrt"))
    length = data.draw(st.sampled_from([1e-3, 0.1, 1.0]), label="length")
    ends = {
        name: torch.stack([value, value + length if name in wrt else value])
        for name, value in case.parameters.items()
    }
    p, q = ({name: value[k : k + 1] for name, value in ends.items()} for k in (0, 1))
    norm, third, rounding = segment_bounds(p, q, case.inputs, case.observed, wrt)
    first, second = hessians(ends, case.inputs, case.observed, wrt)
    distance = length * len(wrt) ** 0.5
    for hessian in (first, second):
        assert torch.linalg.matrix_norm(hessian, ord=2) <= norm + rounding
    assert torch.linalg.matrix_norm(first - second, ord=2) <= third * distance + 2 * rounding


def test_the_hessian_of_the_lesson_has_the_stated_eigenvalues() -> None:
    """0.1106, 3.0841 and 14.8510, at every point of the trajectory: the SSR is quadratic in w3, w4 and b3."""
    history = train(lesson.start(), *lesson.data(), **RULES)
    eigenvalues = torch.linalg.eigvalsh(hessians(history.parameters, *lesson.data(), WRT))
    assert eigenvalues.shape == (51, 3)
    assert (eigenvalues - torch.tensor([0.1106, 3.0841, 14.8510])).abs().max() < 5e-5
    _, third, _ = segment_bounds(history.parameters, history.parameters, *lesson.data(), WRT)
    assert (third == 0).all()
