"""Gradient descent, with momentum, Nesterov's look ahead and weight decay.

The operations stand in the order of torch.optim's plain (foreach=False) implementation, with the
same fused operations, so that the same gradients give the same bits.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from manual_backprop.checks import check_range
from manual_backprop.optimisers.update import update_all, with_decay


class Velocity(NamedTuple):
    """Gradient descent's memory of one parameter: the running sum of its gradients."""

    velocity: Tensor


def gradient_descent(
    parameters: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
    state: Mapping[str, Velocity],
    *,
    learning_rate: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[dict[str, Tensor], dict[str, Velocity]]:
    """One step of gradient descent, with momentum, Nesterov's look ahead and weight decay on request.

    Formula: gₜ = ∂Loss/∂θ + decay · θₜ₋₁
             vₜ = momentum · vₜ₋₁ + (1 − dampening) · gₜ, but v₁ = g₁
             θₜ = θₜ₋₁ − rate · vₜ, with Nesterov θₜ₋₁ − rate · (gₜ + momentum · vₜ), without momentum
             θₜ₋₁ − rate · gₜ
    Shapes:  gradients and velocities have the shapes of the parameters; one without a gradient stays as it is
    Errors:  ValueError for an unknown name, another shape or a setting out of range, TypeError for a dtype
    Source:  torch.optim.SGD's documentation; Sutskever et al. 2013

    >>> import torch
    >>> parameters, gradients = {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([10.0, -10.0])}
    >>> parameters, state = gradient_descent(parameters, gradients, {}, learning_rate=0.5)
    >>> parameters["w"]
    tensor([-4.,  7.])
    """
    check_range("learning_rate", learning_rate)
    check_range("momentum", momentum)
    check_range("weight_decay", weight_decay)
    if nesterov and (momentum == 0 or dampening != 0):
        raise ValueError(
            f"Nesterov needs a momentum and no dampening, found momentum {momentum}, dampening {dampening}"
        )

    update = partial(
        _descend,
        learning_rate=learning_rate,
        momentum=momentum,
        dampening=dampening,
        nesterov=nesterov,
        weight_decay=weight_decay,
    )
    return update_all(update, parameters, gradients, state)


def _descend(
    parameter: Tensor,
    slope: Tensor,
    memory: Velocity | None,
    *,
    learning_rate: float,
    momentum: float,
    dampening: float,
    nesterov: bool,
    weight_decay: float,
) -> tuple[Tensor, Velocity | None]:
    slope = with_decay(slope, parameter, weight_decay)
    if momentum == 0:
        return torch.add(parameter, slope, alpha=-learning_rate), None
    if memory is None:
        velocity = slope.clone()
    else:
        velocity = torch.add(momentum * memory.velocity, slope, alpha=1 - dampening)
    direction = torch.add(slope, velocity, alpha=momentum) if nesterov else velocity
    return torch.add(parameter, direction, alpha=-learning_rate), Velocity(velocity)
