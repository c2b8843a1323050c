"""The lesson's data, and the parameters with which it starts."""

import torch
from torch import Tensor

from manual_backprop.lesson.network import PARAMETERS

INPUTS = (0.0, 0.5, 1.0)
"""Drug dosages, from low to high."""

OBSERVED = (0.0, 1.0, 0.0)
"""Effectiveness observed at each dosage: only the medium one works."""

# A parameter that the lesson does not know starts at 0, where it changes none of the lesson's figures.
START = dict.fromkeys(PARAMETERS, 0.0) | {
    **{"w1": 3.34, "b1": -1.43, "w2": -3.53, "b2": 0.57},
    **{"w3": 0.36, "w4": 0.63, "b3": 0.0},
}
"""The lesson's start: the hidden layer is already optimal and stays frozen."""

START_OF_ALL_SEVEN = START | {"w1": 2.74, "b1": 0.0, "w2": -1.13, "b2": 0.0}
"""The start of the lesson's follow-up, which optimises all seven parameters at once."""


def data(dtype: torch.dtype = torch.float64, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """The lesson's inputs and observations, each of shape (3).

    >>> data()
    (tensor([0.0000, 0.5000, 1.0000], dtype=torch.float64), tensor([0., 1., 0.], dtype=torch.float64))
    """
    return (
        torch.tensor(INPUTS, dtype=dtype, device=device),
        torch.tensor(OBSERVED, dtype=dtype, device=device),
    )


def start(dtype: torch.dtype = torch.float64, device: str = "cpu") -> dict[str, Tensor]:
    """The lesson's parameters at the start, each of shape ().

    >>> start()["w3"].item()
    0.36
    """
    return {name: torch.tensor(value, dtype=dtype, device=device) for name, value in START.items()}
