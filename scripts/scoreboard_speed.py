"""How long it takes to compare every element of 4,700 parameters, here and in gradcheck's slow mode."""

import time
from collections.abc import Callable, Mapping
from functools import partial

import torch
from catalogue import Case
from catalogue.lesson import ssr
from peers import torch_gradcheck
from torch import Tensor, nn

from torch_reference import check_derivation

INPUTS, NODES, OUTPUTS, ROWS = 56, 70, 10, 64
ROUNDS = 3
"""Both take turns, and the fastest of each counts, in processor time: a busy machine slows both."""


def speed() -> dict[str, float]:
    """Processor time for the same right derivation of the same perceptron, every element compared."""
    case = _case()
    ours, slow = [], []
    for _ in range(ROUNDS):
        ours += [_seconds(partial(check_derivation, *case.network, case.derivation)) for _ in range(5)]
        slow.append(_seconds(partial(torch_gradcheck, case, fast_mode=False)))
    parameters = sum(value.numel() for value in case.network[0].parameters())
    best, best_of_slow = min(ours), min(slow)
    return {
        "parameters": parameters,
        "this_project": best,
        "gradcheck_slow": best_of_slow,
        "ratio": best_of_slow / best,
    }


def _case() -> Case:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(INPUTS, NODES), nn.Tanh(), nn.Linear(NODES, OUTPUTS)).double()
    inputs, observed = torch.randn(ROWS, INPUTS).double(), torch.randn(ROWS, OUTPUTS).double()
    return Case("speed", (model, ssr, inputs, observed), _by_hand)


def _by_hand(p: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> dict[str, Tensor]:
    activation = torch.tanh(inputs @ p["0.weight"].T + p["0.bias"])
    d_ssr_d_output = -2 * (observed - activation @ p["2.weight"].T - p["2.bias"])
    d_ssr_d_hidden = (d_ssr_d_output @ p["2.weight"]) * (1 - activation**2)
    return {
        "2.weight": d_ssr_d_output.T @ activation,
        "2.bias": d_ssr_d_output.sum(0),
        "0.weight": d_ssr_d_hidden.T @ inputs,
        "0.bias": d_ssr_d_hidden.sum(0),
    }


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start
