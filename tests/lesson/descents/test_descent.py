"""Gradient descent by hand: the lesson's figures, the rules, and what it must leave alone."""

import pytest
import torch
from hypothesis import given
from torch import Tensor

import torch_reference.lesson.trajectory
from manual_backprop import PARAMETERS, gradients, lesson
from manual_backprop.lesson.descent import Stopped, descend
from strategies_training import Task, tasks

WRT = ("w3", "w4", "b3")

HALF = 5e-5
"""The lesson's figures are rounded to four decimals: half a unit of the last one."""


def point(history_values: dict[str, Tensor], step: int) -> list[float]:
    """The lesson's three parameters, or their derivatives, after some step."""
    return [history_values[name][step].item() for name in WRT]


def from_the_lesson(**rules: float):
    """The lesson's descent."""
    return descend(lesson.start(), *lesson.data(), **rules)


def test_the_start_has_the_lessons_ssr_and_derivatives() -> None:
    """SSR 1.3977, and the derivatives to 16 digits."""
    history = from_the_lesson(max_steps=0)
    assert history.ssr.item() == pytest.approx(1.3977, abs=HALF)
    expected = [2.576139529882881, 1.2567622996820274, 1.8995546661671223]
    # Two correct derivations in float64: the one that found the figures, and this one.
    bounds = torch_reference.bounds(lesson.start(), *lesson.data())
    for name, found, figure in zip(WRT, point(history.derivatives, 0), expected, strict=True):
        assert abs(found - figure) <= bounds[name]
    assert (history.steps, history.stopped) == (0, Stopped.STEP_LIMIT)
    assert {name: len(sizes) for name, sizes in history.step_sizes.items()} == dict.fromkeys(WRT, 0)


@pytest.mark.parametrize(
    ("learning_rate", "expected", "ssr"),
    [
        (0.01, [0.33423860470117117, 0.6174323770031798, -0.018995546661671223], 1.2879),
        (0.1, [0.10238604701171189, 0.5043237700317973, -0.18995546661671225], 1.0674),
    ],
)
def test_the_first_step_is_the_lessons(learning_rate: float, expected: list[float], ssr: float) -> None:
    """All three parameters move at once, by learning rate · derivative."""
    history = from_the_lesson(learning_rate=learning_rate, max_steps=1)
    data = lesson.data()
    bounds = torch_reference.lesson.trajectory.trajectory_bounds(history, history, *data, learning_rate)
    for name, found, figure in zip(WRT, point(history.parameters, 1), expected, strict=True):
        assert abs(found - figure) <= bounds[name][1]
    assert history.ssr[1].item() == pytest.approx(ssr, abs=HALF)


def test_the_lessons_limit_of_1000_steps_is_reached_before_convergence() -> None:
    """Learning rate 0.01 is still above step size 0.001 after 1000 steps, and below at step 1024."""
    history = from_the_lesson(max_steps=2000)
    assert point(history.parameters, 1000) == pytest.approx([-0.7305, -1.3802, 1.6803], abs=HALF)
    assert history.ssr[1000].item() == pytest.approx(0.1077, abs=HALF)
    assert (history.steps, history.stopped) == (1024, Stopped.CONVERGED)


def test_learning_rate_a_tenth_converges_at_step_310() -> None:
    """The step whose sizes are all below 0.001 is the 310th, it is taken, and it is the only one so small."""
    history = from_the_lesson(learning_rate=0.1)
    assert (history.steps, history.stopped) == (310, Stopped.CONVERGED)
    assert point(history.parameters, -1) == pytest.approx([-1.1692, -2.2150, 2.5176], abs=HALF)
    assert history.ssr[-1].item() == pytest.approx(0.0010, abs=HALF)
    largest = torch.stack(list(history.step_sizes.values())).abs().amax(0)
    assert (largest < 0.001).nonzero().tolist() == [[309]]


def test_the_exact_minimum_is_approached() -> None:
    """Without a smallest step size, the parameters go to the least-squares solution and the SSR to 0."""
    history = from_the_lesson(learning_rate=0.13, min_step_size=0.0)
    assert (history.steps, history.stopped) == (1000, Stopped.STEP_LIMIT)
    assert point(history.parameters, -1) == pytest.approx([-1.2159, -2.3038, 2.6067], abs=HALF)
    # What is left is the slowest direction's share, which shrinks by (1 − 0.13 · 0.1106)² at every step.
    assert history.ssr[-1].item() < (1 - 0.13 * 0.11055) ** 2000 * history.ssr[0].item()


def test_a_step_of_exactly_the_smallest_size_goes_on() -> None:
    """Below it, the lesson says; so 0 turns the rule off, even where every derivative is exactly 0."""
    sizes = torch.stack(list(from_the_lesson(learning_rate=0.1, max_steps=20).step_sizes.values()))
    least = sizes[:, -1].abs().amax().item()
    assert from_the_lesson(learning_rate=0.1, max_steps=20, min_step_size=least).stopped is Stopped.STEP_LIMIT
    at_rest = {name: torch.zeros((), dtype=torch.float64) for name in PARAMETERS}
    history = descend(at_rest, *torch.zeros(2, 1).double(), max_steps=3, min_step_size=0.0)
    assert (history.steps, history.stopped) == (3, Stopped.STEP_LIMIT)


@pytest.mark.parametrize(("learning_rate", "grows"), [(0.1346, False), (0.1348, True)])
def test_the_largest_stable_learning_rate_is_0_1347(learning_rate: float, grows: bool) -> None:
    """Two over the largest eigenvalue of the Hessian: above it the SSR ends up growing at every step."""
    ssr = from_the_lesson(learning_rate=learning_rate, max_steps=500, min_step_size=0.0).ssr
    assert bool((ssr[-50:].diff() > 0).all()) is grows


def test_divergence_stops_at_once() -> None:
    """At learning rate 0.2 the SSR overflows; the first point at which it does is the last."""
    history = from_the_lesson(learning_rate=0.2)
    assert history.stopped is Stopped.DIVERGED
    assert history.steps < 1000
    assert history.ssr[:-1].isfinite().all()
    assert not history.ssr[-1].isfinite()


def test_a_start_that_is_not_finite_takes_no_step() -> None:
    """An infinite w1 gives a finite SSR where the input is above 0; it is divergence all the same."""
    start = {**lesson.start(), "w1": torch.tensor(-torch.inf, dtype=torch.float64)}
    history = descend(start, torch.ones(1).double(), torch.ones(1).double())
    assert history.ssr.isfinite().all()
    assert (history.steps, history.stopped) == (0, Stopped.DIVERGED)


@given(task=tasks())
def test_every_step_is_learning_rate_times_derivative_at_one_point(task: Task) -> None:
    """Each row of the history follows from the row before it; frozen parameters never move."""
    parameters, inputs, observed, wrt, rules = task
    history = descend(parameters, inputs, observed, wrt, **rules)
    rate = inputs.new_tensor(rules["learning_rate"])
    for step in range(history.steps):
        here = {name: value[step] for name, value in history.parameters.items()}
        derivatives = gradients(here, inputs, observed, wrt)
        for name in PARAMETERS:
            size = rate * derivatives[name] if name in wrt else torch.zeros_like(rate)
            assert torch.equal(history.parameters[name][step + 1], here[name] - size)
        for name in wrt:
            assert torch.equal(history.derivatives[name][step], derivatives[name])
            assert torch.equal(history.step_sizes[name][step], rate * derivatives[name])


@given(task=tasks())
def test_the_reason_to_stop_is_true_and_was_not_true_before(task: Task) -> None:
    """Diverged, converged, step limit: the first of them that holds, at the first point where one does."""
    parameters, inputs, observed, wrt, rules = task
    history = descend(parameters, inputs, observed, wrt, **rules)
    recorded = (history.ssr, *history.derivatives.values(), *history.parameters.values())
    finite = torch.stack([value.isfinite() for value in recorded]).all(0)
    sizes = torch.stack([size.double().abs() for size in history.step_sizes.values()])
    small = (sizes < rules["min_step_size"]).all(0)
    assert finite[:-1].all()
    assert not small[:-1].any()
    if not finite[-1]:
        assert history.stopped is Stopped.DIVERGED
    elif history.steps and small[-1]:
        assert history.stopped is Stopped.CONVERGED
    else:
        assert (history.stopped, history.steps) == (Stopped.STEP_LIMIT, rules["max_steps"])


@given(task=tasks())
def test_what_is_given_is_neither_changed_nor_shared(task: Task) -> None:
    """The start and the data keep their bits, and writing into the history does not reach them."""
    parameters, inputs, observed, wrt, rules = task
    before = {name: value.clone() for name, value in (*parameters.items(), ("x", inputs), ("o", observed))}
    history = descend(parameters, inputs, observed, wrt, **rules)
    for value in (history.ssr, *history.parameters.values(), *history.derivatives.values()):
        value.fill_(7)
    after = {**parameters, "x": inputs, "o": observed}
    assert all(torch.equal(before[name], after[name]) for name in before)
