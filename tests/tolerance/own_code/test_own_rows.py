"""Of a large point a part of the rows tells what the code's own roundings explain in all others."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from torch_reference import Verdict
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import Movement
from torch_reference.tolerance.own_code.own_draws import OwnDraws
from torch_reference.tolerance.own_code.own_rows import OwnRows
from torch_reference.tolerance.rows import by_rows
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
    monkeypatch.setattr(by_rows, "PART", 2 * 8 * COLUMNS * 16)
    monkeypatch.setattr(by_rows, "FIRST", 2)


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


def test_roundings_of_a_part_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others need no proof that they differ by the reference's roundings alone, and few draws of either."""
    here, drawn = point(), list[int]()
    draw = Movement.draw
    monkeypatch.setattr(
        Movement, "draw", lambda self, seed: drawn.append(len(self.inputs["x"])) or draw(self, seed)
    )
    choices = lambda: iter([Rows(("x", "up"), ("x",), ROWS)])  # noqa: E731
    assert rows_by_parts(reference, here, choices, textbook(here), Allowed())["x"].verdict is Verdict.DIFFERS
    drawn.clear()
    own = OwnRows(textbook)
    row = rows_by_parts(reference, here, choices, textbook(here), Allowed(), own=own)["x"]
    assert row.agrees
    assert "own roundings" in row.explanation
    assert own.explained.keys() == {"x"}
    assert drawn.count(16) <= 3 * 4


def test_what_the_roundings_of_a_part_do_not_explain_is_known_to_be_wrong() -> None:
    """It is not asked for again; code that is made for the whole alone says nothing of itself."""
    here, choices = point(), lambda: iter([Rows(("x", "up"), ("x",), ROWS)])
    wrong = textbook(here, 1 + 1e-12)

    def for_all(values: Inputs) -> dict[str, Tensor]:
        assert len(values["x"]) == ROWS
        return textbook(values, 1 + 1e-12)

    for derive in (lambda values: textbook(values, 1 + 1e-12), for_all, textbook):
        own = OwnRows(derive)
        assert (
            rows_by_parts(reference, here, choices, wrong, Allowed(), own=own)["x"].verdict is Verdict.DIFFERS
        )
        assert own.refuted == ({"x"} if derive not in (for_all, textbook) else set())


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


@pytest.mark.parametrize(("left", "is_hopeless"), [(0.4, False), (0.98, True)])
def test_what_hardly_becomes_less_from_draw_to_draw_stays_outside(left: float, is_hopeless: bool) -> None:
    """Of what its own roundings explain few are outside after some draws."""
    value = torch.zeros(10_000, dtype=torch.float64)
    own = OwnDraws(
        value + 1.0,
        value,
        {"": value, **{which: each.abs() + 1e9 for which, each in sums(value + 1.0, value)}},
    )
    draws = torch.Generator().manual_seed(0)
    for _ in range(8):
        moves = torch.rand(10_000, generator=draws, dtype=torch.float64) > left
        for sign in (1.0, -1.0):
            assert not own.is_explained(own.value + sign * moves) or not is_hopeless
    assert own.is_hopeless(64.0) is is_hopeless
