"""A network of two inputs, its loss and derivations of it; what a counterexample's script imports."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Blend(nn.Module):
    """A layer of the first input, times the second input."""

    def __init__(self) -> None:
        """Two inputs, one output; the bias starts at zero."""
        super().__init__()
        self.layer = nn.Linear(2, 1)
        nn.init.zeros_(self.layer.bias)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """One number per observation."""
        return self.layer(first) * second


def ssr(output: Tensor, targets: Tensor) -> Tensor:
    """Sum of squared residuals."""
    return ((targets - output) ** 2).sum()


def network() -> tuple[nn.Module, object]:
    """The module and its loss."""
    return Blend(), ssr


def right(p: Mapping[str, Tensor], inputs: tuple[Tensor, Tensor], targets: Tensor) -> dict[str, Tensor]:
    """The right derivation."""
    first, second = inputs
    residual = targets - (first @ p["layer.weight"].T + p["layer.bias"]) * second
    d_ssr_d_layer = -2 * residual * second
    return {
        "layer": d_ssr_d_layer,
        "layer.weight": d_ssr_d_layer.T @ first,
        "layer.bias": d_ssr_d_layer.sum(0),
    }


def wrong(p: Mapping[str, Tensor], inputs: tuple[Tensor, Tensor], targets: Tensor) -> dict[str, Tensor]:
    """The sign of the layer's gradient is wrong."""
    return {name: -value for name, value in right(p, inputs, targets).items()}


def forgets_the_bias(
    p: Mapping[str, Tensor], inputs: tuple[Tensor, Tensor], targets: Tensor
) -> dict[str, Tensor]:
    """Right where the bias is zero, as it is at the start."""
    return right({**p, "layer.bias": torch.zeros_like(p["layer.bias"])}, inputs, targets)


def contiguous_only(
    p: Mapping[str, Tensor], inputs: tuple[Tensor, Tensor], targets: Tensor
) -> dict[str, Tensor]:
    """Reads the first input's memory as if its rows stood one after another."""
    first = inputs[0].as_strided(inputs[0].shape, (inputs[0].shape[1], 1))
    return {**right(p, inputs, targets), "layer.weight": right(p, inputs, targets)["layer"].T @ first}
