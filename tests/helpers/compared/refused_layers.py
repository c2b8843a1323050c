"""Layers that are given what does not fit, and the line that refuses it."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from manual_backprop.layers.table import LAYERS

FLOAT = "torch.float32 or torch.float64"


class Bad(NamedTuple):
    """A call of a layer, and the error that it must raise."""

    layer: str
    parameters: dict[str, Tensor]
    inputs: object
    message: str
    error: type[Exception] = ValueError
    options: dict[str, object] = {}  # noqa: RUF012 - a NamedTuple's default, never written


def ones(*shape: int, dtype: torch.dtype = torch.float64, device: str = "cpu") -> Tensor:
    """Ones, where an error is expected before any value is read."""
    return torch.ones(shape, dtype=dtype, device=device)


WEIGHT_AND_BIAS = {
    "linear": {"weight": ones(3, 5), "bias": ones(3)},
    "layer_norm": {"weight": ones(5), "bias": ones(5)},
    "batch_norm": {"weight": ones(5), "bias": ones(5)},
}


def refused(bad: Bad) -> None:
    """The layer raises exactly this error."""
    with pytest.raises(bad.error) as raised:
        LAYERS[bad.layer].forward(bad.parameters, bad.inputs, **bad.options)
    assert str(raised.value) == bad.message
