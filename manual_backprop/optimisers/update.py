"""What every optimiser shares: the update of one tensor, applied by name, without changing anything."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from manual_backprop.checks import check_names
from manual_backprop.layers.layer import check_like, check_shape

Memory = TypeVar("Memory", bound=tuple[Any, ...])
"""What an optimiser remembers of one parameter."""


def update_all(
    update: Callable[[Tensor, Tensor, Memory | None], tuple[Tensor, Memory | None]],
    parameters: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
    state: Mapping[str, Memory],
) -> tuple[dict[str, Tensor], dict[str, Memory]]:
    """Update every parameter that has a gradient; one without comes back as a copy, with its memory."""
    check_names(gradients, tuple(parameters))
    check_names(state, tuple(parameters))
    for name, gradient in gradients.items():
        check_like(f"the gradient of {name}", gradient, name, parameters[name])
        check_shape(f"the gradient of {name}", gradient, parameters[name].shape)
    updated = {
        name: update(parameter, gradients[name], state.get(name))
        if name in gradients
        else (parameter.clone(), copy.deepcopy(state.get(name)))
        for name, parameter in parameters.items()
    }
    new_state = {name: memory for name, (_, memory) in updated.items() if memory is not None}
    return {name: parameter for name, (parameter, _) in updated.items()}, new_state


def with_decay(slope: Tensor, parameter: Tensor, weight_decay: float) -> Tensor:
    """The gradient of the loss plus decay / 2 · θ²: the decay pulls every parameter towards 0."""
    return slope if weight_decay == 0 else torch.add(slope, parameter, alpha=weight_decay)
