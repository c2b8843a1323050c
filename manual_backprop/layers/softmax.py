"""Softmax over the last dimension: the activation whose outputs depend on each other."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import Layer, check_float, check_parameters


class Saved(NamedTuple):
    """What the derivative reads: the shares (*lead, k), a copy of the output."""

    shares: Tensor

    @property
    def output_shape(self) -> torch.Size:
        """(*lead, k)."""
        return self.shares.shape


def log_softmax(logits: Float[Tensor, "*lead k"]) -> Float[Tensor, "*lead k"]:
    """Logarithm of softmax, without a logarithm of a share that has underflowed to 0.

    Formula: log Shareₖ = Logitₖ − log Σⱼ exp(Logitⱼ) = Logitₖ − m − log Σⱼ exp(Logitⱼ − m), m = maxⱼ Logitⱼ
    Shapes:  (*lead, k), over the last dimension
    """
    shifted = _below_the_largest(logits)
    return shifted - shifted.exp().sum(-1, keepdim=True).log()


def softmax(logits: Float[Tensor, "*lead k"]) -> Float[Tensor, "*lead k"]:
    """Shares that are positive and add up to 1.

    Formula: Shareₖ = exp(Logitₖ) / Σⱼ exp(Logitⱼ)
    Shapes:  (*lead, k), over the last dimension
    """
    exponentials = _below_the_largest(logits).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


def _below_the_largest(logits: Float[Tensor, "*lead k"]) -> Float[Tensor, "*lead k"]:
    # The shift cancels in the quotient; without it exp overflows at a logit of 89 (float32) or 710 (float64).
    return logits - logits.amax(-1, keepdim=True)


def forward(parameters: Mapping[str, Tensor], inputs: Tensor) -> tuple[Tensor, Saved]:
    """Softmax over the last dimension, as torch.nn.Softmax(dim=-1).

    Formula: see softmax
    Shapes:  (*lead, k) with k ≥ 1
    Errors:  ValueError for a shape without a last dimension, TypeError for a dtype
    """
    check_parameters("softmax", parameters, ())
    check_float("inputs", inputs)
    if inputs.ndim == 0 or inputs.shape[-1] == 0:
        raise ValueError(f"inputs must have shape (..., k) with k of at least 1, found {tuple(inputs.shape)}")
    shares = softmax(inputs)
    # The copy keeps the derivative right when the caller changes the output in place.
    return shares.clone(), Saved(shares)


def d_loss_d_input(saved: Saved, d_loss_d_output: Float[Tensor, "*lead k"]) -> Float[Tensor, "*lead k"]:
    """Derivative of the loss with respect to the logits: every share depends on every logit of its row.

    Formula: ∂Shareⱼ/∂Logitₖ = Shareⱼ · ([j = k] − Shareₖ), so that
             ∂Loss/∂Logitₖ = Shareₖ · (∂Loss/∂Shareₖ − Σⱼ ∂Loss/∂Shareⱼ · Shareⱼ)
    Shapes:  (*lead, k); the sum is over the last dimension
    Source:  the quotient rule
    """
    average = (d_loss_d_output * saved.shares).sum(-1, keepdim=True)
    return saved.shares * (d_loss_d_output - average)


SOFTMAX = Layer(forward, {"input": d_loss_d_input})
