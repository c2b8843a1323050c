"""How long it takes to compare every element of 4,810 parameters, here and in gradcheck's slow mode."""

import statistics
from typing import Any

import torch

from benchmarks.comparing import every_element
from benchmarks.contest import hold

ROUNDS = 5


def speed() -> dict[str, Any]:
    """The benchmark's contest of the same name: medians of blocks that take turns, in seconds."""
    cpu = torch.device("cpu")
    result = hold(every_element(torch.float64, cpu), "float64", ROUNDS, cpu)
    (gradcheck,) = result.contest.peers
    low, ratio, high = result.ratio(gradcheck.name)
    return {
        "parameters": result.contest.size,
        "this_project": result.ours,
        "gradcheck_slow": statistics.median(result.seconds[gradcheck.name]),
        "ratio": ratio,
        "quartiles": [low, high],
    }
