"""What two threads share is shown, also where both would take turns."""

import time
from typing import Any

import torch
from torch import Tensor

from autograd_functions import function, saving
from torch_reference import check_function


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
