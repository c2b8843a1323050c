"""Optimisers as pure functions: (parameters, gradients, state) -> (new parameters, new state).

Each is the update of one tensor, applied by name; the state before the first step is {}. The operations stand
in the order of torch.optim's plain (foreach=False) implementation, with the same fused operations, so that
the same gradients give the same bits.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from manual_backprop.update import check_range, update_all

Tensors = Mapping[str, Tensor]


class Velocity(NamedTuple):
    """Gradient descent's memory of one parameter: the running sum of its gradients."""

    velocity: Tensor


class Moments(NamedTuple):
    """Adam's memory of one parameter: its steps, and the running means of gradient and squared gradient."""

    step: int
    first: Tensor
    second: Tensor


def gradient_descent(
    parameters: Tensors,
    gradients: Tensors,
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
    """
    check_range("learning_rate", learning_rate, 0)
    check_range("momentum", momentum, 0)
    check_range("weight_decay", weight_decay, 0)
    if nesterov and (momentum == 0 or dampening != 0):
        raise ValueError(
            f"Nesterov needs a momentum and no dampening, found momentum {momentum}, dampening {dampening}"
        )

    def update(parameter: Tensor, slope: Tensor, memory: Velocity | None) -> tuple[Tensor, Velocity | None]:
        slope = _with_decay(slope, parameter, weight_decay)
        if momentum == 0:
            return torch.add(parameter, slope, alpha=-learning_rate), None
        if memory is None:
            velocity = slope.clone()
        else:
            velocity = torch.add(momentum * memory.velocity, slope, alpha=1 - dampening)
        direction = torch.add(slope, velocity, alpha=momentum) if nesterov else velocity
        return torch.add(parameter, direction, alpha=-learning_rate), Velocity(velocity)

    return update_all(update, parameters, gradients, state)


def adam(
    parameters: Tensors,
    gradients: Tensors,
    state: Mapping[str, Moments],
    *,
    learning_rate: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[dict[str, Tensor], dict[str, Moments]]:
    """One step of Adam: each parameter's step is scaled by how large its gradients have been.

    Formula: gₜ = ∂Loss/∂θ + decay · θₜ₋₁
             mₜ = β₁ mₜ₋₁ + (1 − β₁) gₜ        vₜ = β₂ vₜ₋₁ + (1 − β₂) gₜ²        m₀ = v₀ = 0
             m̂ₜ = mₜ / (1 − β₁ᵗ)               v̂ₜ = vₜ / (1 − β₂ᵗ)
             θₜ = θₜ₋₁ − rate · m̂ₜ / (√v̂ₜ + ε)
    Shapes:  gradients and moments have the shapes of the parameters; one without a gradient stays as it is
    Errors:  ValueError for an unknown name, another shape or a setting out of range, TypeError for a dtype
    Source:  Kingma and Ba 2015, algorithm 1; the decay by way of the gradient is torch.optim.Adam's
    """
    _check_adam(learning_rate, betas, epsilon, weight_decay)

    def update(parameter: Tensor, slope: Tensor, memory: Moments | None) -> tuple[Tensor, Moments]:
        slope = _with_decay(slope, parameter, weight_decay)
        return _adam_step(parameter, slope, memory, learning_rate, betas, epsilon)

    return update_all(update, parameters, gradients, state)


def adamw(
    parameters: Tensors,
    gradients: Tensors,
    state: Mapping[str, Moments],
    *,
    learning_rate: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    weight_decay: float = 1e-2,
) -> tuple[dict[str, Tensor], dict[str, Moments]]:
    """One step of AdamW: Adam, with a weight decay that the moments do not see.

    Formula: θₜ = (1 − rate · decay) · θₜ₋₁ − rate · m̂ₜ / (√v̂ₜ + ε), with adam's moments of gₜ = ∂Loss/∂θ
    Shapes:  those of adam
    Errors:  those of adam
    Source:  Loshchilov and Hutter 2019, algorithm 2, with torch.optim.AdamW's rate · decay
    """
    _check_adam(learning_rate, betas, epsilon, weight_decay)

    def update(parameter: Tensor, slope: Tensor, memory: Moments | None) -> tuple[Tensor, Moments]:
        shrunk = parameter * (1 - learning_rate * weight_decay)
        return _adam_step(shrunk, slope, memory, learning_rate, betas, epsilon)

    return update_all(update, parameters, gradients, state)


def _adam_step(
    parameter: Tensor,
    slope: Tensor,
    memory: Moments | None,
    learning_rate: float,
    betas: tuple[float, float],
    epsilon: float,
) -> tuple[Tensor, Moments]:
    if memory is None:
        memory = Moments(0, torch.zeros_like(parameter), torch.zeros_like(parameter))
    beta1, beta2 = betas
    step = memory.step + 1
    # β m + (1 − β) g is written as m + (1 − β)(g − m), as torch rounds it.
    first = torch.lerp(memory.first, slope, 1 - beta1)
    second = torch.addcmul(beta2 * memory.second, slope, slope, value=1 - beta2)
    # The corrections of both moments start them at 0 without a bias towards 0.
    rate = learning_rate / (1 - beta1**step)
    deviation = second.sqrt() / math.sqrt(1 - beta2**step) + epsilon
    return torch.addcdiv(parameter, first, deviation, value=-rate), Moments(step, first, second)


def _with_decay(slope: Tensor, parameter: Tensor, weight_decay: float) -> Tensor:
    return slope if weight_decay == 0 else torch.add(slope, parameter, alpha=weight_decay)


def _check_adam(
    learning_rate: float, betas: tuple[float, float], epsilon: float, weight_decay: float
) -> None:
    check_range("learning_rate", learning_rate, 0)
    check_range("the first beta", betas[0], 0, 1)
    check_range("the second beta", betas[1], 0, 1)
    check_range("epsilon", epsilon, 0)
    check_range("weight_decay", weight_decay, 0)


OPTIMISERS: Mapping[str, Callable[..., tuple[dict[str, Tensor], dict[str, Any]]]] = {
    "gradient_descent": gradient_descent,
    "adam": adam,
    "adamw": adamw,
}
"""Name -> optimiser; the settings' defaults are those of torch.optim's SGD, Adam and AdamW."""
