"""The table of all optimisers, pure functions: (parameters, gradients, state) -> (new parameters, new state).

The state before the first step is {}; afterwards it holds one named tuple for each parameter that has had a
gradient. To add an optimiser, write the update of one tensor, give it to update_all, and name it here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from manual_backprop.optimisers.adam import Moments, adam, adamw
from manual_backprop.optimisers.momentum import Velocity, gradient_descent

__all__ = ["OPTIMISERS", "Moments", "Velocity", "adam", "adamw", "gradient_descent"]

OPTIMISERS: Mapping[str, Callable[..., tuple[dict[str, Tensor], dict[str, Any]]]] = {
    "gradient_descent": gradient_descent,
    "adam": adam,
    "adamw": adamw,
}
"""Name -> optimiser; the settings' defaults are those of torch.optim's SGD, Adam and AdamW."""
