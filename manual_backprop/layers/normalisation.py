"""Layer norm and batch norm: one derivation, over different dimensions.

Both subtract a mean and divide by a standard deviation that are themselves functions of the input, so that
every input reaches every output of its group by three ways: directly, by the mean and by the deviation.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import Layer, check_float, check_like, check_parameters, check_shape


class Saved(NamedTuple):
    """What the derivatives read: normalised (*shape), the rest broadcast against it."""

    normalised: Tensor
    inverse_deviation: Tensor
    weight: Tensor
    group: tuple[int, ...]  # the dimensions over which mean and deviation are taken
    shared: tuple[int, ...]  # the dimensions over which one weight and bias serve

    @property
    def output_shape(self) -> torch.Size:
        """The input's shape."""
        return self.normalised.shape


def layer_norm(
    parameters: Mapping[str, Tensor], inputs: Tensor, epsilon: float = 1e-5
) -> tuple[Tensor, Saved]:
    """Normalise each row by its own mean and deviation, as torch.nn.LayerNorm(weight.shape).

    Formula: Normalised = (Input − mean) / √(variance + ε), Output = Normalised · Weight + Bias
    Shapes:  inputs (*lead, *row), weight and bias (*row); mean and variance per row, the variance
             with 1/n, without Bessel's correction
    Errors:  ValueError for a shape, a device or a name that does not fit, TypeError for a dtype
    Source:  Ba, Kiros and Hinton 2016
    """
    weight, bias = _checked("layer norm", parameters, inputs)
    row = weight.ndim
    if row == 0 or weight.numel() == 0 or inputs.shape[-row:] != weight.shape:
        raise ValueError(
            f"inputs must end with the weight's shape {tuple(weight.shape)}, at least one element: "
            f"found {tuple(inputs.shape)}"
        )
    lead = tuple(range(inputs.ndim - row))
    group = tuple(range(inputs.ndim - row, inputs.ndim))
    return _normalise(inputs, weight, bias, epsilon, group, lead)


def batch_norm(
    parameters: Mapping[str, Tensor], inputs: Tensor, epsilon: float = 1e-5
) -> tuple[Tensor, Saved]:
    """Normalise each channel by its mean and deviation over the batch, as torch.nn.BatchNorm1d in training.

    Formula: Normalised = (Input − mean) / √(variance + ε), Output = Normalised · Weight + Bias
    Shapes:  inputs (n, c, *positions), weight and bias (c); mean and variance per channel, over
             n · positions, the variance with 1/n
    Errors:  ValueError for a shape that does not fit, or fewer than two values per channel, as torch has it
    Source:  Ioffe and Szegedy 2015; the running statistics, which no training gradient reads, are left out
    """
    weight, bias = _checked("batch norm", parameters, inputs)
    if inputs.ndim < 2 or weight.shape != inputs.shape[1:2]:
        raise ValueError(
            f"inputs must have shape (n, {weight.numel()}, ...) to fit the weight {tuple(weight.shape)}, "
            f"found {tuple(inputs.shape)}"
        )
    group = (0, *range(2, inputs.ndim))
    if (values := inputs.numel() // max(inputs.shape[1], 1)) < 2:
        raise ValueError(f"batch norm needs at least two values per channel, found {values}")
    column = (-1, *[1] * (inputs.ndim - 2))
    return _normalise(inputs, weight.reshape(column), bias.reshape(column), epsilon, group, group)


def _checked(layer: str, parameters: Mapping[str, Tensor], inputs: Tensor) -> tuple[Tensor, Tensor]:
    check_parameters(layer, parameters, ("weight", "bias"))
    check_float("inputs", inputs)
    check_like("weight", parameters["weight"], "inputs", inputs)
    check_like("bias", parameters["bias"], "inputs", inputs)
    check_shape("bias", parameters["bias"], parameters["weight"].shape)
    return parameters["weight"], parameters["bias"]


def _normalise(
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor,
    epsilon: float,
    group: tuple[int, ...],
    shared: tuple[int, ...],
) -> tuple[Tensor, Saved]:
    # The mean of squares minus the squared mean would cancel for large inputs: deviations first.
    deviation = inputs - inputs.mean(group, keepdim=True)
    variance = (deviation * deviation).mean(group, keepdim=True)
    inverse_deviation = 1 / (variance + epsilon).sqrt()
    normalised = deviation * inverse_deviation
    return normalised * weight + bias, Saved(normalised, inverse_deviation, weight, group, shared)


def d_loss_d_normalised(saved: Saved, d_loss_d_output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of the loss with respect to the normalised input.

    Formula: ∂Loss/∂Normalisedᵢ = ∂Loss/∂Outputᵢ · Weightᵢ
    """
    return d_loss_d_output * saved.weight


def d_loss_d_input(saved: Saved, d_loss_d_output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of the loss with respect to the input, by all three ways.

    Formula: with gᵢ = ∂Loss/∂Normalisedᵢ, s = √(variance + ε) and means over the group of i,
             ∂Normalisedⱼ/∂Inputᵢ = ([i = j] − 1/n − Normalisedᵢ · Normalisedⱼ / n) / s, so that
             ∂Loss/∂Inputᵢ = (gᵢ − mean(g) − Normalisedᵢ · mean(g · Normalised)) / s
    Shapes:  (*shape)
    Source:  the quotient rule, with ∂mean/∂Inputᵢ = 1/n and ∂s/∂Inputᵢ = Normalisedᵢ / n
    """
    direct = d_loss_d_normalised(saved, d_loss_d_output)
    by_the_mean = direct.mean(saved.group, keepdim=True)
    by_the_deviation = saved.normalised * (direct * saved.normalised).mean(saved.group, keepdim=True)
    return (direct - by_the_mean - by_the_deviation) * saved.inverse_deviation


def d_loss_d_weight(saved: Saved, d_loss_d_output: Float[Tensor, "*shape"]) -> Tensor:
    """Derivative of the loss with respect to the weight.

    Formula: Σ ∂Loss/∂Outputᵢ · Normalisedᵢ over all i that share the weight
    Shapes:  (*shape) to the weight's
    """
    return _sum(d_loss_d_output * saved.normalised, saved.shared)


def d_loss_d_bias(saved: Saved, d_loss_d_output: Float[Tensor, "*shape"]) -> Tensor:
    """Derivative of the loss with respect to the bias.

    Formula: Σ ∂Loss/∂Outputᵢ · 1 over all i that share the bias
    Shapes:  (*shape) to the bias's
    """
    return _sum(d_loss_d_output, saved.shared)


def _sum(tensor: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    # torch takes an empty tuple of dimensions for all of them.
    return tensor.sum(dimensions) if dimensions else tensor.clone()


_DERIVATIVES = {"input": d_loss_d_input, "weight": d_loss_d_weight, "bias": d_loss_d_bias}
LAYER_NORM = Layer(layer_norm, _DERIVATIVES)
BATCH_NORM = Layer(batch_norm, _DERIVATIVES)
