"""Dropout with a given mask: the caller draws it, so that both witnesses drop the same elements."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import Layer, check_float, check_parameters, check_shape


class Saved(NamedTuple):
    """What the derivative reads: the factor of each element, 0 or 1/(1 − p)."""

    factor: Tensor

    @property
    def output_shape(self) -> torch.Size:
        """The input's shape."""
        return self.factor.shape


def forward(
    parameters: Mapping[str, Tensor], inputs: Tensor, mask: Tensor, probability: float = 0.5
) -> tuple[Tensor, Saved]:
    """Keep the elements where the mask is True, scaled up so that the expected value stays the same.

    Formula: Outputᵢ = Inputᵢ · Factorᵢ, Factorᵢ = Maskᵢ / (1 − p)
    Shapes:  inputs, mask (of booleans) and output (*shape)
    Errors:  ValueError for a mask that does not fit or p outside 0 to 1, TypeError for another dtype
    Source:  Srivastava et al. 2014, scaled in training as torch.nn.Dropout does
    """
    check_parameters("dropout", parameters, ())
    check_float("inputs", inputs)
    if mask.dtype != torch.bool:
        raise TypeError(f"the mask must be torch.bool, found {mask.dtype}")
    check_shape("the mask", mask, inputs.shape)
    if not 0 <= probability <= 1:
        raise ValueError(f"the probability must be from 0 to 1, found {probability}")
    # At p = 1 torch drops everything, and 1/(1 − p) does not exist.
    scale = 1 / (1 - probability) if probability < 1 else 0.0
    factor = mask.to(inputs.dtype) * scale
    return inputs * factor, Saved(factor)


def d_loss_d_input(saved: Saved, d_loss_d_output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of the loss with respect to the input: a dropped element has none.

    Formula: ∂Loss/∂Inputᵢ = ∂Loss/∂Outputᵢ · Factorᵢ
    Shapes:  (*shape)
    """
    return d_loss_d_output * saved.factor


DROPOUT = Layer(forward, {"input": d_loss_d_input})
