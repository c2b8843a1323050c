"""How long it takes to compare every element of 4,810 parameters, here and in gradcheck's slow mode."""

import statistics

import torch
from benchmarks.comparing import every_element
from benchmarks.contest import hold

ROUNDS = 3


def speed() -> dict[str, float]:
    """The benchmark's contest of the same name: medians of blocks that take turns, in seconds."""
    cpu = torch.device("cpu")
    result = hold(every_element(torch.float64, cpu), "float64", ROUNDS, cpu)
    (gradcheck,) = result.contest.peers
    return {
        "parameters": result.contest.size,
        "this_project": result.ours,
        "gradcheck_slow": statistics.median(result.seconds[gradcheck.name]),
        "ratio": result.ratio(gradcheck.name)[1],
    }
