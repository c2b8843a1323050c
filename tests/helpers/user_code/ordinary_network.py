"""A network of the lesson's shape on which no mistake can hide."""

import torch
from torch import Tensor

from manual_backprop import PARAMETERS


def ordinary_network() -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Nothing is zero, one, equal or symmetric, so that no mistake can hide."""
    values = {"w1": 1.3, "b1": -0.4, "w2": -0.9, "b2": 0.7, "w3": 0.8, "w4": -1.7, "b3": 0.35}
    added = [name for name in PARAMETERS if name not in values]
    values |= {name: 0.45 + 0.17 * place for place, name in enumerate(added)}
    parameters = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
    inputs = torch.tensor([-1.1, 0.3, 0.9, 1.7, 2.4], dtype=torch.float64)
    observed = torch.tensor([0.2, -0.8, 1.4, 0.6, -1.9], dtype=torch.float64)
    return parameters, inputs, observed
