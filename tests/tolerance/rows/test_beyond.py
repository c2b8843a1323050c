"""What is wrong in many rows is counted by the floors of a sample of what is right beside it."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from torch_reference import Row, Verdict
from torch_reference.tolerance.rows import judgement, others
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.least import COPIES
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
    assert by_floors.wrong_elements <= (ROWS - 1) * len(range(COLUMNS)[columns])
    assert most == COPIES * SAMPLE  # but for all, once, exactly
    assert judged()["y"].agrees
