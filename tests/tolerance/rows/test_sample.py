"""The rows of a large point that a sample of them settles, and those that it must not."""

import math
from collections.abc import Callable, Iterator, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import Row, Verdict
from torch_reference.tolerance.rows import judgement
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.sample import Sample
from torch_reference.tolerance.rows.whole import Allowed, Rows

ROWS, COLUMNS = 256, 16
Inputs = Mapping[str, Tensor]
FINE = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
Samples = list[tuple[Tensor, int]]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of eight rows of 256."""
    monkeypatch.setattr(judgement, "PART", 2 * 8 * COLUMNS * 128)


def norm(values: Inputs) -> dict[str, Tensor]:
    """A layer norm, and its gradients."""
    x, gain = (values[name].detach().requires_grad_() for name in ("x", "gain"))
    y = functional.layer_norm(x, (COLUMNS,), gain)
    found = torch.autograd.grad(y, (x, gain), values["up"])
    return {"x": found[0], "gain": found[1], "y": y.detach()}


def drawn(dtype: torch.dtype) -> dict[str, Tensor]:
    """Rows, a gain for each column, an upstream gradient."""
    generator = torch.Generator().manual_seed(0)
    x, up = torch.randn(2, ROWS, COLUMNS, generator=generator, dtype=torch.float64)
    gain = 1 + torch.randn(COLUMNS, generator=generator, dtype=torch.float64)
    return {"x": x.to(dtype), "gain": gain.to(dtype), "up": up.to(dtype)}


def judged(
    point: Inputs,
    actual: Inputs,
    reference: Callable[[Inputs], dict[str, Tensor]] = norm,
    outputs: tuple[str, ...] = ("y",),
) -> dict[str, Row] | None:
    """The rows of x, of y and of what belongs to none."""

    def choices() -> Iterator[Rows]:
        yield Rows([name for name, value in point.items() if value.shape[:1] == (ROWS,)], ["x", "y"], ROWS)

    return rows_by_parts(reference, point, choices, actual, Allowed(), outputs=outputs)


def by_hand(point: Inputs) -> dict[str, Tensor]:
    """Other roundings than the reference's own."""
    x = point["x"] - point["x"].mean(-1, keepdim=True)
    scale = (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    h = x * scale
    d = point["up"] * point["gain"]
    d_x = (d - d.mean(-1, keepdim=True) - h * (d * h).mean(-1, keepdim=True)) * scale
    return {"x": d_x, "gain": (point["up"] * h).sum(0), "y": h * point["gain"]}


@FINE
def test_a_sample_settles_what_is_right(
    dtype: torch.dtype, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few rows are left, and all elements are counted; all are drawn where a sum is wrong and no row."""
    point, settled = drawn(dtype), Sample.settled
    rows = judged(point, by_hand(point))
    assert rows is not None
    assert all(row.agrees for row in rows.values())
    assert rows["x"].elements == rows["y"].elements == ROWS * COLUMNS
    assert rows["x"].bluntness
    assert 0 <= samples[0][1] <= ROWS // 4
    monkeypatch.setattr(Sample, "settled", lambda *given: settled(*given)._replace(sums_hold=False))
    by_all = judged(point, by_hand(point))
    monkeypatch.setattr(Sample, "settled", lambda *_: None)
    assert by_all == judged(point, by_hand(point)) != rows


@FINE
def test_what_is_wrong_is_found_beside_a_sample(dtype: torch.dtype, samples: Samples) -> None:
    """One element by 1e-3 of itself, at its place; a row; NaN."""
    point = drawn(dtype)
    right = by_hand(point)
    cases = {
        (201, 3): (right["x"][201, 3] * 1.001, Verdict.DIFFERS, 1),
        (77,): (right["x"][78], Verdict.DIFFERS, COLUMNS),
        (202, 4): (torch.tensor(math.nan, dtype=dtype), Verdict.NAN, 1),
    }
    for place, (value, verdict, wrong) in cases.items():
        edited = right["x"].clone()
        edited[place] = value
        rows = judged(point, {**right, "x": edited})
        if rows is None:  # the whole tells
            assert verdict is Verdict.NAN
            continue
        assert (rows["x"].verdict, rows["x"].wrong_elements) == (verdict, wrong)
        assert rows["x"].index[: len(place)] == place
        assert rows["gain"].agrees
        assert 0 <= samples[-1][1] <= ROWS // 4  # whatever it does to the sums over all rows


@FINE
def test_what_belongs_to_no_row_is_judged_by_the_sample(dtype: torch.dtype) -> None:
    """It agrees (above), is far off, or off by so little that all rows have to tell."""
    point = drawn(dtype)
    right = by_hand(point)
    rows = judged(point, {**right, "gain": 1.1 * right["gain"]})
    assert rows is not None
    assert rows["gain"].verdict is Verdict.DIFFERS
    assert rows["x"].agrees
    rows = judged(point, {**right, "gain": (1 + 300 * torch.finfo(dtype).eps) * right["gain"]})
    assert rows is None or not rows["gain"].agrees


@FINE
def test_a_small_row_is_not_judged_by_what_is_large_elsewhere(dtype: torch.dtype) -> None:
    """One row in 256, which the sample has not, a million times as small: off by a hundredth."""
    (point := drawn(dtype))["up"][101] *= 1e-6
    right = by_hand(point)
    rows = judged(point, right)
    assert rows is not None
    assert rows["x"].agrees
    right["x"][101] *= 1.01
    rows = judged(point, right)
    assert rows is not None
    assert (rows["x"].verdict, rows["x"].index[0]) == (Verdict.DIFFERS, 101)


@FINE
def test_what_is_right_beside_what_is_wrong_everywhere_is_right(dtype: torch.dtype, samples: Samples) -> None:
    """It has the draws that it needs, and the wrong one is counted in all its elements."""

    def halves(values: Inputs) -> dict[str, Tensor]:
        x, y = (values[name].detach().requires_grad_() for name in ("x", "y"))
        found = torch.autograd.grad(((x - y) * 0.7).square(), (x, y), values["up"])
        return {"x": found[0], "y": found[1]}

    x, up = drawn(dtype)["x"], drawn(dtype)["up"]
    point, d = {"x": x, "y": x.flip(0), "up": up}, 0.98 * up * (x - x.flip(0))
    rows = judged(point, {"x": 2 * d, "y": -d}, halves, outputs=())
    assert rows is not None
    assert (rows["x"].verdict, rows["y"].verdict) == (Verdict.DIFFERS, Verdict.AGREES)
    assert rows["x"].wrong_elements == ROWS * COLUMNS
    assert [left for _, left in samples] == [0]  # of what is right alone


def test_an_exact_zero_must_be_one(samples: Samples) -> None:
    """Where a mask leaves nothing, a rounding of the row is too much."""
    point = {**drawn(torch.float64), "mask": (torch.arange(COLUMNS) % 4 > 0).double()}

    def masked(values: Inputs) -> dict[str, Tensor]:
        x = values["x"].detach().requires_grad_()
        y = torch.softmax(x * values["mask"], -1)
        return {"x": torch.autograd.grad(y, x, values["up"])[0], "y": y.detach()}

    right = masked(point)
    rows = judged(point, right, masked)
    assert rows is not None
    assert rows["x"].agrees
    assert [left for _, left in samples] == [0]
    right["x"][100, 4] = 1e-17
    rows = judged(point, right, masked)
    assert rows is None or rows["x"].verdict is Verdict.DIFFERS


def test_an_infinity_makes_no_floor(samples: Samples) -> None:
    """A floor of infinity would pass anything."""

    def root(values: Inputs) -> dict[str, Tensor]:
        x = values["x"].detach().abs().requires_grad_()
        y = x.sqrt()
        return {"x": torch.autograd.grad(y, x, values["up"])[0], "y": y.detach()}

    point = drawn(torch.float64)
    point["x"][130, 3] = 0.0
    wrong = root(point)
    wrong["x"][131, 3] *= 2
    rows = judged(point, wrong, root)
    assert {left for _, left in samples} <= {-1}
    assert rows is None or not rows["x"].agrees
