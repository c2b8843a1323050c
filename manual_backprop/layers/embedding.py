"""The embedding: a table of vectors, looked up by index."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import Layer, check_float, check_parameters


class Saved(NamedTuple):
    """What the derivative reads: the indices (*lead), and the weight for its shape (v, k)."""

    indices: Tensor
    weight: Tensor

    @property
    def output_shape(self) -> torch.Size:
        """(*lead, k)."""
        return torch.Size((*self.indices.shape, self.weight.shape[1]))


def forward(parameters: Mapping[str, Tensor], inputs: Tensor) -> tuple[Tensor, Saved]:
    """The row of the weight that each index names, as torch.nn.Embedding.

    Formula: Outputᵢ = Weight[Inputᵢ]
    Shapes:  inputs (*lead) of int64, weight (v, k), output (*lead, k)
    Errors:  ValueError for an index outside 0 to v − 1 or a weight that is no matrix, TypeError for a dtype
    Source:  torch.nn.Embedding's documentation
    """
    check_parameters("embedding", parameters, ("weight",))
    weight = parameters["weight"]
    check_float("weight", weight)
    if weight.ndim != 2:
        raise ValueError(f"weight must have shape (rows, width), found {tuple(weight.shape)}")
    if inputs.dtype != torch.int64:
        raise TypeError(f"inputs must be indices of torch.int64, found {inputs.dtype}")
    outside = inputs[(inputs < 0) | (inputs >= weight.shape[0])]
    if outside.numel():
        raise ValueError(f"indices must be from 0 to {weight.shape[0] - 1}, found {outside[0].item()}")
    return weight[inputs], Saved(inputs, weight)


def d_loss_d_weight(saved: Saved, d_loss_d_output: Float[Tensor, "*lead k"]) -> Float[Tensor, "v k"]:
    """Derivative of the loss with respect to the table.

    Formula: ∂Loss/∂Weight[r] = Σ ∂Loss/∂Outputᵢ over all i with Inputᵢ = r: an index given twice counts twice
    Shapes:  (*lead, k) to (v, k)
    Source:  the chain rule; a row that was never looked up has the derivative 0
    """
    rows = d_loss_d_output.reshape(saved.indices.numel(), saved.weight.shape[1])
    return torch.zeros_like(saved.weight).index_add(0, saved.indices.reshape(-1), rows)


EMBEDDING = Layer(forward, {"weight": d_loss_d_weight})
"""An index has no derivative: the weight alone has one."""
