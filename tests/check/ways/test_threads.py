"""What two threads share is shown, also where both would take turns, and what two streams of a GPU do."""

import threading
import time
from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function, saving
from torch_reference import check_function
from torch_reference.check.ways.elsewhere import late
from torch_reference.check.ways.threads import CALLS, MORE_CALLS, SMALL


def test_an_upstream_gradient_kept_for_all_threads_is_found() -> None:
    """Another thread's is read where one's own was written, which the roundings of no formula explain."""
    kept: dict[str, Tensor] = {}

    def backward(ctx: Any, d_y: Tensor) -> Tensor:
        kept["d_y"] = d_y
        time.sleep(0.002)
        return kept["d_y"] * ctx.saved_tensors[0].cos()

    x = torch.linspace(-1.0, 1.0, 6, dtype=torch.float64)
    report = check_function(
        function(saving(torch.sin), backward), torch.sin, x, ways=["two threads"], order=1
    )
    assert dict(report.ways) == {"two threads": "fails"}, report


def test_a_function_that_seeds_its_numbers_itself_is_not_asked() -> None:
    """The generator is all threads': what another one's seed makes of its numbers is chance."""

    def seeded(x: Tensor) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            return torch.dropout(x, 0.5, train=True) * x

    x = torch.linspace(-1.0, 1.0, 24, dtype=torch.float64)
    report = check_function(seeded, seeded, x, ways=["two threads", "redrawn"], order=1)
    assert dict(report.ways) == {"two threads": "cannot apply", "redrawn": "agrees"}, report


@pytest.mark.parametrize(("count", "calls"), [(4, MORE_CALLS), (SMALL, CALLS)])
def test_what_is_small_is_called_more_often(count: int, calls: int) -> None:
    """It is over before another thread comes between; a point has upstream numbers, too."""
    here, seen = threading.get_ident(), []

    def doubled(x: Tensor) -> Tensor:
        seen.append(threading.get_ident())
        return 2 * x

    def number(ways: list[str]) -> int:
        seen.clear()
        x = torch.linspace(-1, 1, count, dtype=torch.float64)
        assert check_function(doubled, lambda x: 2 * x, x, ways=ways, order=1, draws=0)
        return seen.count(here)

    assert number(["two threads"]) - number([]) in range(calls, calls + 4)


def test_numbers_come_late_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are others while it rests, and the same afterwards; what is expanded, or the user's, stays."""
    x = torch.tensor([1.0, 5e-324, torch.inf], dtype=torch.float64)
    mine = torch.ones(2, requires_grad=True) * 1
    point = {"x": x, "ids": torch.tensor([3]), "one": torch.ones(1).expand(3), "mine": mine}
    right, seen = x.clone(), list[Tensor]()
    monkeypatch.setattr(late, "_is_there", lambda value: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "_sleep", lambda cycles: seen.extend(v.clone() for v in point.values()))
    made = late.late(point)
    assert seen[0][0] == 0.75
    assert [value.tolist() for value in seen[1:]] == [[3], [1.0, 1.0, 1.0], [1.0, 1.0]]
    assert made["x"] is x
    assert torch.equal(x, right)
    assert mine._version == 0


def test_outputs_are_read_before_they_change() -> None:
    """What another stream writes afterwards is not in it; what is no tensor stays."""
    value = torch.zeros(2, requires_grad=True)
    read = late.read_at_once({"outputs": value, "none": None})
    with torch.no_grad():
        value.add_(1)
    assert read["outputs"].tolist() == [0.0, 0.0]
    assert read["none"] is None
