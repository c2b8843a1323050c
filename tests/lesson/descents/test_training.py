"""Both descents agree within the derived bound of docs/trajectory.md, and on what it rests."""

import dataclasses
import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descents import RULES, WRT, judged, start_of, trained
from manual_backprop import PARAMETERS, lesson
from manual_backprop.fast.seven_parameters import ARE_ALL
from manual_backprop.lesson import descent
from strategies import Case, cases
from strategies_training import Task, tasks
from torch_reference.lesson import training
from torch_reference.lesson.curvature import hessians, segment_bounds
from torch_reference.lesson.side_by_side import judge
from torch_reference.lesson.training import train


@pytest.mark.medium
@given(task=tasks())
def test_the_trajectories_agree_within_the_bound(task: Task) -> None:
    """For any network, data, choice of parameters and learning rate, in both dtypes: never a false alarm."""
    parameters, inputs, observed, wrt, rules = task
    manual = descent.descend(parameters, inputs, observed, wrt, **rules)
    reference = train(parameters, inputs, observed, wrt, **rules)
    judgement = judge(manual, reference, inputs, observed, **rules)
    assert judgement.agrees, judgement


@pytest.mark.sample(4)
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


@pytest.mark.medium
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
    figure = 3.65e-13 if ARE_ALL else 1e-12  # each further term of Predicted may round once more
    assert judgement.drift.difference <= judgement.drift.bound < figure


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


def test_training_an_unknown_parameter_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(ValueError, match="unknown parameter 'w9': the known ones are w1, b1"):
        train(lesson.start(), *lesson.data(), ("w9",))


def test_descents_of_different_parameters_are_no_match() -> None:
    """The names are compared before any number."""
    manual = descent.descend(lesson.start(), *lesson.data(), ("w3",))
    names = ", ".join(f"'{name}'" for name in sorted(PARAMETERS))
    expected = f"manual (({names}), ('w3',)), reference (({names}), ('b3', 'w3', 'w4'))"
    with pytest.raises(ValueError, match=re.escape(f"the descents record different names: {expected}")):
        judged(manual)


@pytest.mark.slow
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
