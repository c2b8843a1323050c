"""The triangle of the observations gives the SSR, its derivatives and the descent of all of them."""

import doctest
import itertools
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import manual_backprop
import torch_reference
from lessons_seven import seven_only
from manual_backprop import LESSON_WRT, lesson
from manual_backprop.fast import triangle, triangle_descent
from manual_backprop.fast.triangle import Triangle, from_data, merge
from manual_backprop.fast.triangle_descent import descend, rounding, ssr_and_derivatives
from manual_backprop.lesson.descent import Stopped
from ordinary_network import ordinary_network
from strategies import Case, cases
from straying import is_stable, plain_strayed, triangle_strayed

pytestmark = seven_only


def exact(parameters: dict[str, Tensor], inputs: Tensor, observed: Tensor) -> dict[str, Fraction]:
    """The SSR and the derivatives by rational arithmetic, from the activations of float64."""
    given = [{name: value.double() for name, value in parameters.items()}, inputs.double(), observed.double()]
    trace = manual_backprop.forward(*given)
    w3, w4, b3 = (Fraction(given[0][name].item()) for name in LESSON_WRT)
    found = dict.fromkeys(("ssr", *LESSON_WRT), Fraction(0))
    for y1, y2, seen in zip(trace.y1.tolist(), trace.y2.tolist(), trace.observed.tolist(), strict=True):
        y1, y2 = Fraction(y1), Fraction(y2)
        residual = Fraction(seen) - (w3 * y1 + w4 * y2 + b3)
        found["ssr"] += residual**2
        for name, link in zip(LESSON_WRT, (y1, y2, 1), strict=True):
            found[name] += -2 * residual * link
    return found


def flat(ssr_and_others: tuple[Tensor, dict[str, Tensor]]) -> dict[str, Tensor]:
    """The SSR and the derivatives by name."""
    ssr, others = ssr_and_others
    return {"ssr": ssr, **others}


def beyond_the_bound(one: Triangle, parameters: dict[str, Tensor], truth: dict[str, Fraction]) -> list[str]:
    """The names of what is further from the truth than the derived bound."""
    found = flat(ssr_and_derivatives(one, parameters))
    bound = flat(rounding(one, parameters))
    return [
        name
        for name in truth
        if abs(Fraction(found[name].item()) - truth[name]) > Fraction(bound[name].item())
    ]


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


@given(case=cases(max_n=12, batches=False), data=st.data(), leaf=st.sampled_from([8, 256]))
def test_chunks_of_any_size_give_what_the_whole_gives(case: Case, data: st.DataObject, leaf: int) -> None:
    """Within the bound of rational arithmetic, however the observations are cut, bracketed and ordered.

    With leaves of 8 rows, 12 observations are a tree of factorisations.
    """
    n = case.inputs.numel()
    cuts = sorted(data.draw(st.sets(st.integers(1, n), max_size=n), label="cuts") | {0, n})
    truth = exact(*case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triangle, "LEAF", leaf)
        patch.setattr(triangle, "BLOCK", leaf + 2)
        pieces = [
            from_data(case.parameters, case.inputs[a:b], case.observed[a:b])
            for a, b in itertools.pairwise(cuts)
        ]
        whole = merge(pieces)
        middle = data.draw(st.integers(1, len(pieces)), label="bracket")
        left_first = merge([merge(pieces[:middle]), *pieces[middle:]])
        shuffled = merge(data.draw(st.permutations(pieces), label="order"))
        assert torch.equal(merge(pieces).rows, whole.rows)
    for one in (from_data(*case), whole, left_first, shuffled):
        assert one.observations == n
        assert one.rows.shape == (4, 4)
        assert beyond_the_bound(one, case.parameters, truth) == []


def test_the_bound_grows_with_the_logarithm_of_the_number_of_triangles() -> None:
    """4097 triangles are three levels of 64: their SSR is 4097 times one's, and the bound hardly larger."""
    parameters = lesson.start()
    one = from_data(parameters, *lesson.data())
    many = merge(one for _ in range(64 * 64 + 1))
    assert many.observations == 3 * 4097
    assert many.roundings <= one.roundings + 3 * (24 * 256 + 284)
    # One leaf of n rows, a tree of two levels, and a stack of two triangles: as docs/scale.md counts them.
    assert [triangle.roundings_of(rows) for rows in (4, 256)] == [380, 6428]
    assert one.roundings == 380
    assert merge([one, one]).roundings == 380 + triangle.roundings_of(8)
    assert triangle.factorised(torch.ones(257, 4).double())[1] == 6428 + triangle.roundings_of(8)
    assert triangle.factorised(torch.ones(256, 4).double())[1] == 6428
    # Two levels below the last: 16385 rows are 65 leaves, whose 260 rows are two.
    assert triangle.factorised(torch.ones(256 * 64 + 1, 4).double())[1] == 2 * 6428 + triangle.roundings_of(8)
    # 64 triangles are one stack, which two more make into one of three.
    assert merge([one] * 64).roundings == 380 + 6428
    assert merge([one] * 66).roundings == 380 + 6428 + triangle.roundings_of(12)
    truth = {name: 4097 * value for name, value in exact(parameters, *lesson.data()).items()}
    assert beyond_the_bound(many, parameters, truth) == []


def test_a_batch_is_merged_and_factorised_network_by_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of 100 and leaves of 8: a tree in each, and nothing of one network in another."""
    monkeypatch.setattr(triangle, "LEAF", 8)
    monkeypatch.setattr(triangle, "BLOCK", 100)
    inputs, observed = torch.randn(2, 3, 250, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    together = from_data(lesson.start(), inputs, observed)
    assert together.rows.shape == (3, 4, 4)
    assert together.observations == 250
    bounds = flat(rounding(together, lesson.start()))
    for row, (rows, *data) in enumerate(zip(together.rows, inputs, observed, strict=True)):
        one = Triangle(together.hidden, rows, together.roundings, 250)
        assert beyond_the_bound(one, lesson.start(), exact(lesson.start(), *data)) == []
        for name, bound in flat(rounding(one, lesson.start())).items():
            assert bounds[name][row].item() == pytest.approx(bound.item(), rel=26 * 2**-53), name


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


@pytest.mark.parametrize(
    ("mistake", "wrong"),
    [
        ("added, not stacked", lambda rows: rows[:4] + rows[4:]),
        ("the second for both", lambda rows: rows[4:]),
    ],
)
def test_a_planted_mistake_in_the_merge_is_seen(mistake: str, wrong: Callable[[Tensor], Tensor]) -> None:
    """Of two triangles, one above the other, something else than their QR."""
    parameters, inputs, observed = ordinary_network()
    halves = [from_data(parameters, inputs[a], observed[a]) for a in (slice(0, 2), slice(2, None))]
    merged = merge(halves)
    truth = exact(parameters, inputs, observed)
    assert beyond_the_bound(merged, parameters, truth) == []
    rows = wrong(torch.cat([half.rows for half in halves]))
    assert beyond_the_bound(Triangle(merged.hidden, rows, merged.roundings, 5), parameters, truth)


def test_the_example_of_the_docs_is_true() -> None:
    """docs/scale.md, run as it stands."""
    found = doctest.testfile(str(Path(__file__).parents[2] / "docs/scale.md"), module_relative=False)
    assert found.failed == 0
    assert found.attempted


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
