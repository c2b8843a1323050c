"""What two threads share is shown, also where both would take turns."""

import threading
import time
from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function, saving
from torch_reference import check_function
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
