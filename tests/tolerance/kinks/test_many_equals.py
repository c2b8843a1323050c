"""The largest of very many equals: its gradient may be split in any way, and no draw shows all of them."""

from collections.abc import Callable, Mapping
from functools import partial

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.comparison import Verdict
from torch_reference.tolerance.kinks import towards
from torch_reference.tolerance.movement import Movement

check = partial(check_function, ways=[], order=1, redraw=False)

EVENLY = "each an equal share"
SHARES: dict[str, Callable[[Tensor], Tensor]] = {
    EVENLY: lambda equals: equals / equals.sum(-1, keepdim=True),
    "all to the last": lambda equals: equals * (equals.flip(-1).cumsum(-1).flip(-1) == 1),
    "growing shares": lambda equals: (
        (share := equals * torch.arange(1.0, 1.0 + equals.shape[-1])) / share.sum(-1, keepdim=True)
    ),
    "wrong: the whole to each": lambda equals: equals,
    "wrong: a thousandth too much": lambda equals: 1.001 * equals / equals.sum(-1, keepdim=True),
    "wrong: more than there is, and the rest taken back": lambda equals: (
        equals * ((number := equals.cumsum(-1)) == 1) * 2 - equals * (number == 2)
    ),
}


def split(share: Callable[[Tensor], Tensor]) -> tuple[Callable, Callable]:
    """The largest of each row, whose gradient its equals share."""

    def backward(x: Tensor, above: Tensor) -> Tensor:
        equals = (x == x.amax(-1, keepdim=True)).to(torch.float64)
        return (above[:, None] * share(equals)).to(above.dtype)

    return (lambda x: (x.amax(-1), x)), backward


def rows(equals: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Rows of numbers below 1, and of so many equals."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4, 90, generator=generator, dtype=torch.float64)
    for row in x:
        row[torch.randperm(90, generator=generator)[:equals]] = 1.5
    return x.to(dtype)


@pytest.mark.parametrize(
    "reference", [lambda x: x.max(-1)[0], lambda x: x.topk(1)[0][:, 0]], ids=["max", "topk"]
)
@pytest.mark.parametrize("name", SHARES)
@pytest.mark.medium
def test_equals_share_in_any_way(name: str, reference: Callable[[Tensor], Tensor]) -> None:
    """Eighty of them, each of which has to be the largest once."""
    report = check(split(SHARES[name]), reference, rows(80))
    assert report.agrees is not name.startswith("wrong"), str(report)


@pytest.mark.medium
def test_hundreds_of_equals_share_evenly() -> None:
    """More than sixty turns, in which each wins; and 300 shares, each of which is rounded, and their sum."""
    report = check(split(SHARES[EVENLY]), lambda x: x.max(-1)[0], torch.full((20, 300), 1.5).double())
    assert report.agrees, str(report)


def test_a_side_has_one_winner_though_two_steps_have_two() -> None:
    """Where steps are few ulps, another of many equals wins a step that is twice as long: 2 g is no side."""
    x, above = torch.full((40,), 1.5).double(), torch.tensor(0.75).double()

    def reference(point: Mapping[str, Tensor]) -> dict[str, Tensor]:
        winner = torch.arange(40) == point["x"].argmax()
        return {"x": point["upstream"] * winner}

    here = Movement(reference, {"x": x, "upstream": above})
    here.upstream = ("upstream",)
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        # By at most sixteen ulps, so that some of forty meet.
        direction = torch.rand(40, generator=generator, dtype=torch.float64) / 64
        found = towards._side(here, "x", direction).values("x", here.expected["x"], here.bound("x"))
        assert found.unique().tolist() == [0.0, 0.75]


@pytest.mark.medium
def test_equals_that_were_not_looked_at_are_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the search ends before each was the largest, it proves nothing; too much in all does."""
    monkeypatch.setattr(towards, "TURNS", 2)
    monkeypatch.setattr(towards, "MORE", 0)
    for name, verdict in ((EVENLY, Verdict.INCONCLUSIVE), ("wrong: a thousandth too much", Verdict.DIFFERS)):
        report = check(split(SHARES[name]), lambda x: x.max(-1)[0], rows(80))
        assert not report.agrees
        assert [finding.row.verdict for finding in report.findings] == [Verdict.AGREES, verdict]
