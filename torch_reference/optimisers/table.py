"""The optimisers of torch.optim by the names that manual_backprop uses."""

from collections.abc import Mapping

import torch

OPTIMISERS: Mapping[str, type[torch.optim.Optimizer]] = {
    "gradient_descent": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
"""Name -> the class; its defaults are those of the optimiser by hand."""

SETTINGS: Mapping[str, str] = {"learning_rate": "lr", "epsilon": "eps"}
"""Setting of manual_backprop -> torch's name of it, where the two differ."""

MEMORIES: Mapping[str, str] = {
    "velocity": "momentum_buffer",
    "first": "exp_avg",
    "second": "exp_avg_sq",
}
"""What manual_backprop remembers of a parameter -> torch's name of it, where the two differ."""
