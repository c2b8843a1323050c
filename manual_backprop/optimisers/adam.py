"""Adam and AdamW: gradient descent whose step adapts to each parameter.

The operations stand in the order of torch.optim's plain (foreach=False) implementation, with the
same fused operations, so that the same gradients give the same bits.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from manual_backprop.checks import check_range
from manual_backprop.optimisers.update import update_all, with_decay


class Moments(NamedTuple):
    """Adam's memory of one parameter: its steps, and the running means of gradient and squared gradient."""

    step: int
    first: Tensor
    second: Tensor


def adam(
    parameters: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
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

    >>> import torch
    >>> parameters, gradients = {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([10.0, -10.0])}
    >>> parameters, state = adam(parameters, gradients, {}, learning_rate=0.1)
    >>> parameters["w"]
    tensor([0.9000, 2.1000])
    """
    _check_adam(learning_rate, betas, epsilon, weight_decay)

    update = partial(
        _adapt,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        decay_of_slope=weight_decay,
        decay_of_parameter=0.0,
    )
    return update_all(update, parameters, gradients, state)


def adamw(
    parameters: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
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

    >>> import torch
    >>> parameters, gradients = {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([10.0, -10.0])}
    >>> parameters, state = adamw(parameters, gradients, {}, learning_rate=0.1)
    >>> parameters["w"]
    tensor([0.8990, 2.0980])
    """
    _check_adam(learning_rate, betas, epsilon, weight_decay)

    update = partial(
        _adapt,
        learning_rate=learning_rate,
        betas=betas,
        epsilon=epsilon,
        decay_of_slope=0.0,
        decay_of_parameter=weight_decay,
    )
    return update_all(update, parameters, gradients, state)


def _adapt(
    parameter: Tensor,
    slope: Tensor,
    memory: Moments | None,
    *,
    learning_rate: float,
    betas: tuple[float, float],
    epsilon: float,
    decay_of_slope: float,
    decay_of_parameter: float,
) -> tuple[Tensor, Moments]:
    slope = with_decay(slope, parameter, decay_of_slope)
    parameter = parameter * (1 - learning_rate * decay_of_parameter)
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


def _check_adam(
    learning_rate: float, betas: tuple[float, float], epsilon: float, weight_decay: float
) -> None:
    check_range("learning_rate", learning_rate)
    check_range("the first beta", betas[0], 0.0, 1.0)
    check_range("the second beta", betas[1], 0.0, 1.0)
    check_range("epsilon", epsilon)
    check_range("weight_decay", weight_decay)
