"""The smallest input of a way that fails: it can be pasted, shows the same failure, and no other."""

from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function, saving
from torch_reference import Report, check_function
from torch_reference.check.ways.shown import smallest_input
from torch_reference.check.ways.shown.pasted_call import pasted_call, unbroken
from torch_reference.judging.calls.arguments import Arguments


def plain(x: Tensor, factor: float = 2.0) -> Tensor:
    """What all functions here mean to be."""
    return factor * x * x


def viewed(ctx: Any, g: Tensor) -> Any:
    """A view that a transposed upstream gradient has not."""
    return (g.view(-1) * 4 * ctx.saved_tensors[0].flatten()).view(g.shape)


def in_blocks(ctx: Any, g: Tensor) -> Any:
    """Whole blocks of four rows only: what remains is forgotten."""
    [x] = ctx.saved_tensors
    rows = len(x) // 4 * 4
    return torch.cat([4 * x[:rows] * g[:rows], torch.zeros_like(x[rows:])])


Viewed = function(saving(lambda x: plain(x)), viewed)
InBlocks = function(saving(lambda x: plain(x)), in_blocks)
x = torch.randn(8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def again(report: Report, mine: Any) -> Report:
    """The small call of a report, pasted."""
    [(_, *lines)] = report.smallest
    assert len(lines) <= 3
    assert all(len(line) <= 76 for line in lines)
    assert all(f"    {line}" in str(report) for line in lines)
    call = "\n".join(lines).replace("(F, ", "(mine, ")
    names = {"check_function": check_function, "torch": torch, "mine": mine, "plain": plain}
    found: Report = eval(call, names)
    return found


@pytest.mark.medium(1)
@pytest.mark.parametrize(("mine", "way"), [(Viewed, "transposed"), (InBlocks, "rows")])
def test_the_small_call_shows_the_same_failure_and_no_other(mine: Any, way: str) -> None:
    """What is wrong as it is called otherwise, as one row is to blocks of four, is no smaller example."""
    mine.__name__ = "F"
    report = check_function(mine, plain, x, ways=[way])
    small = again(report, mine)
    assert dict(small.ways) == {way: "fails"}
    assert (small.note, small.first_wrong.name) == (report.note, report.first_wrong.name)
    [(_, *lines)] = report.smallest
    assert len(" ".join(lines)) < 190
    assert check_function(mine, plain, x, ways=[way], draws=0).smallest == ()


def test_ways_that_one_input_shows_share_it() -> None:
    """Three ways, one call."""
    Viewed.__name__ = "F"
    names = ["transposed", "sliced rows", "expanded upstream"]
    report = check_function(Viewed, plain, x[:2, :2], ways=names)
    assert [ways for ways, *_ in report.smallest] == [", ".join(names)]
    assert report.to_dict()["smallest"]


def test_without_time_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report stays what it is."""
    monkeypatch.setattr(smallest_input, "SECONDS", 0.0)
    monkeypatch.setattr(smallest_input.smallest_inputs, "__defaults__", (0.0,))
    report = check_function(Viewed, plain, x, ways=["transposed"])
    assert report.smallest == ()
    assert "fails in 1 of 1 ways: transposed" in str(report)


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([0.1, -2.0]),
        torch.tensor([[1 / 3]], dtype=torch.float64),
        torch.tensor([0.1, float("inf")], dtype=torch.bfloat16),
        torch.tensor([0.1 + 2j]),
        torch.tensor([True, False]),
        torch.tensor(7),
        torch.linspace(-1.5, 1.5, 24).view(4, 6),
        torch.ones(2, 2, dtype=torch.float16),
        torch.empty(0, 3),
    ],
    ids=str,
)
def test_a_tensor_is_written_bit_for_bit(value: Tensor) -> None:
    """In every dtype, in as few digits as it takes."""
    arguments = Arguments.of([value], {"dim": -1, "odd": object()})
    [*lines] = pasted_call("", arguments, arguments.point, f"ways={unbroken(['zero rows'])}")
    (made,), named = eval("\n".join(lines), {"check_function": lambda *a, **k: (a, k), "torch": torch})
    assert made.dtype == value.dtype
    assert torch.equal(made, value)
    assert named == {"dim": -1, "odd": ..., "ways": ["zero rows"]}
