"""The triangle of the observations gives the SSR, its derivatives and the descent of all of them."""

import doctest
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from torch import Tensor

import manual_backprop
import torch_reference
from exact_triangles import beyond_the_bound, exact, flat
from lessons_seven import seven_only
from manual_backprop import lesson
from manual_backprop.fast import triangle_descent
from manual_backprop.fast.triangle import from_data
from manual_backprop.fast.triangle_descent import rounding, ssr_and_derivatives
from ordinary_network import ordinary_network
from strategies import Case, cases

pytestmark = seven_only


@pytest.mark.medium
@given(case=cases())
def test_the_triangle_agrees_with_the_plain_derivation(case: Case) -> None:
    """Any batch; float32 data within the bound of the plain derivation in float32."""
    one = from_data(*case)
    found = flat(ssr_and_derivatives(one, case.parameters))
    trace = manual_backprop.forward(*case)
    plain = {"ssr": trace.ssr, **manual_backprop.gradients(*case)}
    allowed = torch_reference.bounds(*case)
    of_triangle = flat(rounding(one, case.parameters))
    for name, value in found.items():
        assert value.shape == plain[name].shape
        assert ((value - plain[name].double()).abs() <= allowed[name] + of_triangle[name]).all(), name


def test_tiny_and_huge_columns_keep_their_relative_accuracy() -> None:
    """Squares of 1e-170 underflow and of 1e170 overflow; factorisation and bound take none of them."""
    parameters = {**lesson.start(), "w2": lesson.start()["w2"] * 0 + 3, "b2": lesson.start()["b2"] * 0 - 390}
    inputs = torch.linspace(-1, 1, 9, dtype=torch.float64)
    for observed in (inputs.sin(), 1e-170 * inputs.sin()):
        one = from_data(parameters, inputs, observed)
        assert one.rows[:, 1].abs().max() < 1e-160
        truth = exact(parameters, inputs, observed)
        assert beyond_the_bound(one, parameters, truth) == []
        assert rounding(one, parameters)[1]["w4"] < 1e-9 * abs(truth["w4"])
    huge = from_data(parameters, inputs, 1e170 * inputs.sin())
    assert huge.rows.isfinite().all()


@pytest.mark.slow
def test_many_observations_are_within_the_bound() -> None:
    """Twenty thousand observations: more than one block, and a last one that fills no leaf."""
    generator = torch.Generator().manual_seed(1)
    inputs, observed = torch.randn(2, 20_001, generator=generator, dtype=torch.float64)
    one = from_data(lesson.start(), inputs, observed)
    assert one.observations == 20_001
    assert beyond_the_bound(one, lesson.start(), exact(lesson.start(), inputs, observed)) == []


def test_a_good_fit_keeps_its_ssr_which_the_gram_matrix_loses() -> None:
    """Residuals of 1e-10: AᵀA has no digit of the SSR, the triangle has two for certain."""
    parameters, inputs = lesson.start(), torch.linspace(0, 1, 50, dtype=torch.float64)
    trace = manual_backprop.forward(parameters, inputs, inputs)
    observed = trace.predicted + 1e-10 * torch.cos(40 * inputs)
    truth = exact(parameters, inputs, observed)
    one = from_data(parameters, inputs, observed)
    assert beyond_the_bound(one, parameters, truth) == []
    assert 100 * rounding(one, parameters)[0].item() < float(truth["ssr"])
    matrix = torch.stack([trace.y1, trace.y2, torch.ones_like(inputs), observed], 1)
    weights = torch.stack([-parameters["w3"], -parameters["w4"], -parameters["b3"], inputs.new_tensor(1.0)])
    by_gram = weights @ (matrix.mT @ matrix) @ weights
    assert abs(by_gram.item() - float(truth["ssr"])) > float(truth["ssr"])


MISTAKES: dict[str, Callable[[Tensor], Tensor]] = {
    "a sign": lambda rows: rows * rows.new_tensor([1, 1, 1, -1]),
    "y1 and y2 swapped": lambda rows: rows[:, [1, 0, 2, 3]],
    "1 for the column of ones": lambda rows: torch.cat(
        [rows[:, :2], torch.ones(4, 1), rows[:, 3:]], 1
    ).double(),
    "the last row left out": lambda rows: rows[:3],
    "only the diagonal": lambda rows: rows.diag().diag(),
    "R transposed": lambda rows: rows.mT,
    "off by 1e-9": lambda rows: rows * (1 + 1e-9),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_in_the_rows_is_seen(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wrong reading of R leaves the bound; the right one does not."""
    network = ordinary_network()
    truth = exact(*network)
    one = from_data(*network)
    assert beyond_the_bound(one, network[0], truth) == []
    right = triangle_descent._over_rows
    wrong = MISTAKES[mistake](one.rows)
    monkeypatch.setattr(
        triangle_descent,
        "_over_rows",
        lambda rows, output: right([row.unbind(-1) for row in wrong.unbind(-2)], output),
    )
    assert beyond_the_bound(one, network[0], truth)


def test_the_example_of_the_docs_is_true() -> None:
    """docs/scale.md, run as it stands."""
    found = doctest.testfile(str(Path(__file__).parents[2] / "docs/scale.md"), module_relative=False)
    assert found.failed == 0
    assert found.attempted
