"""Descents that go wrong in one place: each is a mismatch, and the place is part of the verdict."""

import dataclasses
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from descents import RULES, WRT, Values, changed, judged, start_of, trained
from manual_backprop import DERIVATIVES, PARAMETERS, forward, lesson
from manual_backprop.lesson import descent
from torch_reference.lesson.side_by_side import judge
from torch_reference.lesson.training import train
from torch_reference.lesson.trajectory import trajectory_bounds

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


@pytest.mark.medium(3)
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


@pytest.mark.medium(2)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_relative_error_of_1e_9_in_any_of_seven_derivatives_fails(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted in the table that the manual descent reads."""
    right = DERIVATIVES[name]
    monkeypatch.setitem(descent.DERIVATIVES, name, lambda trace: (1 + 1e-9) * right(trace))
    manual = descent.descend(start_of(PARAMETERS), *lesson.data(), PARAMETERS, **RULES)
    # A derivative that is 0 at the start is not off by a part of itself there.
    first = manual.derivatives[name].nonzero()[0].item()
    assert judged(manual, PARAMETERS).first_wrong == (f"d_ssr_d_{name}", first)


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
