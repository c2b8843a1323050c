"""The linear layer: every output is a weighted sum of all inputs, plus a bias."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import Layer, check_float, check_like, check_parameters, check_shape


class Saved(NamedTuple):
    """What the derivatives read: the input (*lead, k) and the weight (m, k)."""

    input: Tensor
    weight: Tensor

    @property
    def output_shape(self) -> torch.Size:
        """(*lead, m)."""
        return torch.Size((*self.input.shape[:-1], self.weight.shape[0]))


def forward(parameters: Mapping[str, Tensor], inputs: Tensor) -> tuple[Tensor, Saved]:
    """Weighted sums of the inputs, as torch.nn.Linear computes them.

    Formula: Outputⱼ = Σₖ Inputₖ · Weightⱼₖ + Biasⱼ
    Shapes:  inputs (*lead, k), weight (m, k), bias (m), output (*lead, m)
    Errors:  ValueError for a shape, a device or a name that does not fit, TypeError for a dtype
    Source:  torch.nn.Linear's documentation
    """
    check_parameters("linear", parameters, ("weight", "bias"))
    weight, bias = parameters["weight"], parameters["bias"]
    check_float("inputs", inputs)
    check_like("weight", weight, "inputs", inputs)
    check_like("bias", bias, "inputs", inputs)
    if weight.ndim != 2:
        raise ValueError(f"weight must have shape (outputs, inputs), found {tuple(weight.shape)}")
    if inputs.ndim == 0 or inputs.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"inputs must have shape (..., {weight.shape[1]}) to fit the weight {tuple(weight.shape)}, "
            f"found {tuple(inputs.shape)}"
        )
    check_shape("bias", bias, weight.shape[:1])
    return inputs @ weight.mT + bias, Saved(inputs, weight)


def d_loss_d_input(saved: Saved, d_loss_d_output: Float[Tensor, "*lead m"]) -> Float[Tensor, "*lead k"]:
    """Derivative of the loss with respect to the layer's input.

    Formula: ∂Loss/∂Inputₖ = Σⱼ ∂Loss/∂Outputⱼ · ∂Outputⱼ/∂Inputₖ = Σⱼ ∂Loss/∂Outputⱼ · Weightⱼₖ
    Shapes:  (*lead, m) @ (m, k) = (*lead, k)
    Source:  the chain rule: an input reaches the loss by way of every output
    """
    return d_loss_d_output @ saved.weight


def d_loss_d_weight(saved: Saved, d_loss_d_output: Float[Tensor, "*lead m"]) -> Float[Tensor, "m k"]:
    """Derivative of the loss with respect to the weight.

    Formula: ∂Loss/∂Weightⱼₖ = Σᵢ ∂Loss/∂Outputᵢⱼ · ∂Outputᵢⱼ/∂Weightⱼₖ = Σᵢ ∂Loss/∂Outputᵢⱼ · Inputᵢₖ
    Shapes:  with all leading dimensions as n rows: (n, m)ᵀ @ (n, k) = (m, k)
    Source:  the chain rule: the rows share the weight, so their derivatives add up
    """
    return _rows(d_loss_d_output).mT @ _rows(saved.input)


def d_loss_d_bias(saved: Saved, d_loss_d_output: Float[Tensor, "*lead m"]) -> Float[Tensor, " m"]:
    """Derivative of the loss with respect to the bias.

    Formula: ∂Loss/∂Biasⱼ = Σᵢ ∂Loss/∂Outputᵢⱼ · 1
    Shapes:  (*lead, m) to (m)
    Source:  the chain rule; ∂Outputᵢⱼ/∂Biasⱼ = 1
    """
    return _rows(d_loss_d_output).sum(0)


def _rows(tensor: Float[Tensor, "*lead k"]) -> Float[Tensor, "n k"]:
    """All leading dimensions as one; a single vector is one row."""
    return tensor.reshape(tensor.shape[:-1].numel(), tensor.shape[-1])


LINEAR = Layer(forward, {"input": d_loss_d_input, "weight": d_loss_d_weight, "bias": d_loss_d_bias})
