"""What is wrong in many rows is counted by the floors of a sample of what is right beside it."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import pytest
import torch
from torch import Tensor

from torch_reference import Row, Verdict
from torch_reference.tolerance.rows import judgement, others
from torch_reference.tolerance.rows.beyond import row_beyond
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.least import COPIES
from torch_reference.tolerance.rows.sample import Sample
from torch_reference.tolerance.rows.whole import Allowed, Rows

ROWS, COLUMNS, SAMPLE = 256, 16, 8
UNTOUCHED = 9
"""A row that stays right, and is none of the sample's."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of eight rows of 256."""
    monkeypatch.setattr(judgement, "PART", SAMPLE * 2 * COLUMNS * 128)


def shares(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A softmax, and its gradient."""
    x = values["x"].detach().requires_grad_()
    y = torch.softmax(x, -1)
    return {"x": torch.autograd.grad(y, x, values["up"])[0], "y": y.detach()}


def by_hand(x: Tensor, up: Tensor) -> dict[str, Tensor]:
    """The same in other roundings."""
    y = (x - x.amax(-1, keepdim=True)).exp()
    y = y / y.sum(-1, keepdim=True)
    return {"x": y * (up - (up * y).sum(-1, keepdim=True)), "y": y}


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("factor", [2.0, 1.01, 1.0001])
@pytest.mark.parametrize("columns", [slice(None), slice(3, 4)])
def test_what_is_wrong_in_many_rows_is_counted_without_draws_of_all(
    dtype: torch.dtype, factor: float, columns: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a column or in all: nearly as many as draws would count, and nothing that is right."""
    x, up = torch.randn(2, ROWS, COLUMNS, generator=torch.Generator().manual_seed(0)).to(dtype)
    wrong, right = by_hand(x, up), by_hand(x, up)["x"]
    wrong["x"][:, columns] *= factor
    wrong["x"][UNTOUCHED] = right[UNTOUCHED]
    runs = list[int]()

    def watched(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        runs.append(len(values["x"]))
        return shares(values)

    def judged() -> dict[str, Row]:
        rows, point = Rows(["x", "up"], ["x", "y"], ROWS), {"x": x, "up": up}
        found = rows_by_parts(watched, point, lambda: iter([rows]), wrong, Allowed(), outputs=("y",))
        assert found is not None
        return found

    by_floors, most = judged()["x"], max(runs[1:])
    monkeypatch.setattr(others, "row_beyond", lambda *_: None)
    by_draws = judged()["x"]
    for row in (by_floors, by_draws):
        assert (row.verdict, row.elements) == (Verdict.DIFFERS, ROWS * COLUMNS)
    assert by_floors.wrong_elements == pytest.approx(by_draws.wrong_elements, rel=0.1)
    assert by_floors.index[0] != UNTOUCHED
    assert by_floors.manual == pytest.approx(float(wrong["x"][by_floors.index]))
    assert by_floors.difference == pytest.approx(abs(by_floors.manual - by_floors.reference))
    assert by_floors.ratio == pytest.approx(by_floors.difference / by_floors.bound)
    assert by_floors.wrong_elements <= (ROWS - 1) * len(range(COLUMNS)[columns])
    assert most == COPIES * SAMPLE  # but for all, once, exactly
    assert judged()["y"].agrees


FLOOR, SURE = 0.25, 4.0
"""What each number may be off by at least, and so many times as much at most."""


class Sampled(NamedTuple):
    """Two blocks of a result whose numbers are all 1, and the floors and the bounds of its first rows."""

    whole: Tensor = torch.ones(8, 3)
    here: Tensor = torch.tensor([0, 1])
    bound: Tensor = torch.tensor([[FLOOR] * 3, [FLOOR, SURE * FLOOR, FLOOR]])
    blocks: Sequence[Tensor] = tuple(torch.ones(2, 4, 3))
    rows: Sequence[Tensor] = tuple(torch.arange(8).reshape(2, 4))
    name: str = "x"

    def floors(self, value: Tensor, rows: Tensor | None = None) -> Tensor:
        return torch.full_like(value, FLOOR)


def beyond(off: Mapping[tuple[int, int], float], *proved: int) -> Row | None:
    value = torch.ones(8, 3)
    for place, ratio in off.items():
        value[place] += ratio * FLOOR
    return row_beyond(cast(Sample, Sampled()), value, torch.tensor(proved, dtype=torch.int64))


def test_what_is_beyond_the_largest_bound_is_counted_where_it_is_not_proved() -> None:
    """The farthest is shown as any other worst element is."""
    row = beyond({(0, 0): 50.0, (2, 1): -6.0, (6, 2): 5.0, (7, 0): 4.5}, 0)
    assert row == Row(
        "x",
        Verdict.DIFFERS,
        manual=-0.5,
        reference=1.0,
        difference=1.5,
        bound=FLOOR,
        ratio=6.0,
        index=(2, 1),
        wrong_elements=3,
        elements=21,
    )


def test_where_a_tenth_may_be_within_bounds_nothing_is_counted() -> None:
    """One that lies between a floor and the largest bound is doubtful, and one of ten may be."""
    nine = {(number, 0): 5.0 for number in range(8)} | {(0, 1): 5.0}
    row = beyond({**nine, (1, 1): 3.0})
    assert row is not None
    assert row.wrong_elements == 9
    assert beyond({**nine, (1, 1): 3.0, (1, 2): 3.0}) is None
    assert beyond({(3, 1): 3.0}) is None


def test_what_is_no_number_is_not_counted_by_floors() -> None:
    assert beyond({(3, 1): math.inf}) is None
    assert beyond({(3, 1): math.nan}) is None


def test_what_is_within_its_floors_agrees() -> None:
    row = beyond({(3, 1): 0.5})
    assert row is not None
    assert (row.verdict, row.wrong_elements, row.ratio) == (Verdict.AGREES, 0, 0.5)
