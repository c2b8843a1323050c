"""Of a large point a part of the rows tells what the code's own roundings explain in all others."""

import math
from collections.abc import Iterator, Mapping

import pytest
import torch
from torch import Tensor

from torch_reference import Verdict
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.own_code import own_roundings, own_rows
from torch_reference.tolerance.own_code.own_roundings import forgiven
from torch_reference.tolerance.own_code.own_rows import OwnRows
from torch_reference.tolerance.rows import judgement
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.whole import Allowed, Rows
from torch_reference.tolerance.unfinished import Unfinished
from torch_reference.tolerance.verdicts import Tolerance

pytestmark = pytest.mark.medium
Inputs = Mapping[str, Tensor]
ROWS, COLUMNS = 64, 16


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of sixteen rows, of an input and an upstream gradient of eight bytes."""
    monkeypatch.setattr(judgement, "PART", 2 * 8 * COLUMNS * 16)
    monkeypatch.setattr(judgement, "FIRST", 2)


def reference(values: Inputs) -> dict[str, Tensor]:
    """The sigmoid's derivative by autograd, which does not cancel."""
    x = values["x"].detach().requires_grad_()
    return {"x": torch.autograd.grad(1 / (1 + torch.exp(-x)), x, values["up"])[0]}


def textbook(values: Inputs, factor: float = 1.0) -> dict[str, Tensor]:
    """The same by y(1 − y), which cancels."""
    y = torch.sigmoid(values["x"])
    return {"x": values["up"] * y * (1 - y) * factor}


def point() -> dict[str, Tensor]:
    """Rows, and an upstream gradient."""
    draws = torch.Generator().manual_seed(0)
    x, up = torch.randn(2, ROWS, COLUMNS, generator=draws, dtype=torch.float64)
    return {"x": 4 * x, "up": up}


def all_rows() -> Iterator[Rows]:
    """The one choice of what has rows."""
    yield Rows(("x", "up"), ("x",), ROWS)


def test_roundings_of_a_part_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others need no proof that they differ by the reference's roundings alone, and few draws of either."""
    here, drawn = point(), list[int]()
    draw = Movement.draw
    monkeypatch.setattr(
        Movement, "draw", lambda self, seed: drawn.append(len(self.inputs["x"])) or draw(self, seed)
    )
    assert rows_by_parts(reference, here, all_rows, textbook(here), Allowed())["x"].verdict is Verdict.DIFFERS
    drawn.clear()
    own = OwnRows(textbook)
    row = rows_by_parts(reference, here, all_rows, textbook(here), Allowed(), own=own)["x"]
    assert row.agrees
    assert "own roundings" in row.explanation
    assert own.explained.keys() == {"x"}
    assert drawn.count(16) <= 3 * 4


def in_one_pass(values: Inputs) -> dict[str, Tensor]:
    """The gradient of a layer norm by E(x²) − (E x)², which loses digits, of whole rows."""
    x, above = values["x"], values["up"]
    mean = x.mean(-1, keepdim=True)
    inverse = ((x * x).mean(-1, keepdim=True) - mean * mean + 1e-5).rsqrt()
    n = (x - mean) * inverse
    return {"x": (above - above.mean(-1, keepdim=True) - n * (above * n).mean(-1, keepdim=True)) * inverse}


def norm(values: Inputs) -> dict[str, Tensor]:
    """The same by autograd."""
    x = values["x"].detach().requires_grad_()
    return {"x": torch.autograd.grad(torch.nn.functional.layer_norm(x, x.shape[-1:]), x, values["up"])[0]}


@pytest.mark.parametrize(
    ("accept", "expected"), [((), Verdict.LOSES_DIGITS), (("loses digits",), Verdict.AGREES)]
)
def test_one_part_tells_of_lost_digits(
    accept: tuple[str, ...], expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own roundings move the others, their sums, too: those are not asked for anew."""
    asked = list[int]()
    monkeypatch.setattr(
        own_rows, "forgiven", lambda *a, **options: asked.append(1) or forgiven(*a, **options)
    )
    here = point()
    here["x"] = here["x"] / 4 + 100.0
    own = OwnRows(in_one_pass, accept)
    row = rows_by_parts(norm, here, all_rows, in_one_pass(here), Allowed(accept=accept), own=own)["x"]
    assert row.verdict is expected
    assert len(asked) == 1


def test_of_other_rows_nothing_is_known_yet() -> None:
    """What one choice of rows has told is forgotten where the point has no such rows."""
    here, own = point(), OwnRows(textbook)
    own.explained["x"] = math.inf
    own.refuted.add("x")
    columns = lambda: iter([Rows(("x",), ("x",), ROWS)])  # noqa: E731
    assert rows_by_parts(norm, here, columns, norm(here), Allowed(), own=own) is None
    assert not own.explained
    assert not own.refuted


def test_code_that_is_too_slow_has_lost_no_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was not run often enough to tell is known of no other part either."""
    monkeypatch.setattr(own_roundings, "MOST_SECONDS", -1.0)
    here = point()
    movement, own = Movement(reference, here), OwnRows(textbook)
    movement.at_least(4)
    rows = Tolerance(reference, here, movement).rows(textbook(here))
    assert rows["x"].verdict is Verdict.DIFFERS
    assert own.look_at(rows, textbook(here), movement)["x"].verdict is Verdict.INCONCLUSIVE
    assert not own.explained


def test_what_the_roundings_of_a_part_do_not_explain_is_known_to_be_wrong() -> None:
    """It is not asked for again; code that is made for the whole alone says nothing of itself."""
    here = point()
    wrong = textbook(here, 1 + 1e-12)

    def for_all(values: Inputs) -> dict[str, Tensor]:
        assert len(values["x"]) == ROWS
        return textbook(values, 1 + 1e-12)

    for derive in (lambda values: textbook(values, 1 + 1e-12), for_all, textbook):
        own = OwnRows(derive)
        assert (
            rows_by_parts(reference, here, all_rows, wrong, Allowed(), own=own)["x"].verdict
            is Verdict.DIFFERS
        )
        assert own.refuted == ({"x"} if derive not in (for_all, textbook) else set())


@pytest.mark.parametrize(("is_noisy", "refuted"), [(False, {"x"}), (True, set())])
def test_what_is_made_right_of_a_part_alone_has_not_been_rounded_wrong(
    is_noisy: bool, refuted: set[str]
) -> None:
    """No run of all rows has to tell that; what is off in every second call of the part tells nothing."""
    calls = list[int]()

    def derive(values: Inputs) -> dict[str, Tensor]:
        found = norm(values)["x"]
        calls.append(1)
        found[-8:, 3] *= 1 + 1e-12 * (len(found) == ROWS or (is_noisy and len(calls) % 2))
        return {"x": found}

    here, own = point(), OwnRows(derive)
    row = rows_by_parts(norm, here, all_rows, derive(here), Allowed(), own=own)["x"]
    assert row.verdict is Verdict.DIFFERS
    assert own.refuted == refuted


def test_few_draws_foretell_how_many_elements_are_wrong() -> None:
    """Where a part is wrong, the others are not drawn as often as it is, and their number is as true."""
    here, u = point(), 2.0**-53
    wrong = {"x": reference(here)["x"] * (1 + 40 * u)}
    whole = Tolerance(reference, here)
    counted = whole.rows(wrong, plainly=True)["x"].wrong_elements
    assert whole.movement.draws == 4
    every = Tolerance(reference, here)
    every.movement.at_least(48)
    assert counted == pytest.approx(every.rows(wrong)["x"].wrong_elements, rel=0.1)
    assert every.rows(wrong, plainly=True)["x"].wrong_elements == every.rows(wrong)["x"].wrong_elements


def test_a_wrong_element_takes_its_row_out_of_the_sums() -> None:
    """The sum over all rows is that of the others."""
    here = point()
    movement = Movement(reference, here)
    movement.at_least(4)
    wrong = movement.expected["x"].clone()
    wrong[5, 3] += 1.0
    assert Unfinished(movement, "x", wrong).rows_outside().tolist() == [5]
    assert Unfinished(movement, "x", wrong + 1e-9 * wrong.mean()).rows_outside().tolist() != [5]
    column = torch.zeros_like(wrong)
    column[:, 2] = 1e-4
    movement.moved["x"] = torch.full_like(wrong, 1e-3)
    # Each element is within its bound: of a row's sum, the row is outside, and of a column's, all are.
    assert Unfinished(movement, "x", movement.expected["x"] + 1e-4).rows_outside().tolist() == [*range(ROWS)]
    movement.moved_sums["x"]["sum over dimension 1"] += 1.0
    assert Unfinished(movement, "x", movement.expected["x"] + column).rows_outside() is None
