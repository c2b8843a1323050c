"""The layers and activations of torch.nn by the names that manual_backprop uses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from torch_reference.layers.generator_state import generator_at

SOFTPLUS_THRESHOLD = 40.0
"""The same as the lesson network's: the default of 20 is wrong by 1e-10 relative in float64."""

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "softplus": lambda: nn.Softplus(threshold=SOFTPLUS_THRESHOLD),
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "softmax": lambda: nn.Softmax(dim=-1),
}
"""Name -> a new module."""

Tensors = Mapping[str, Tensor]


def _activation(make: Callable[[], nn.Module]) -> Callable[[Tensors], Tensor]:
    return lambda tensors: make()(tensors["input"])


def _dropout(tensors: Tensors, generator_state: Tensor, probability: float) -> Tensor:
    """nn.Dropout draws its own mask: from the same state of the generator it draws the same one."""
    with generator_at(generator_state):
        return functional.dropout(tensors["input"], probability, training=True)


LAYERS: Mapping[str, Callable[..., Tensor]] = {
    "linear": lambda tensors: functional.linear(tensors["input"], tensors["weight"], tensors["bias"]),
    **{name: _activation(make) for name, make in ACTIVATIONS.items()},
    "layer_norm": lambda tensors: functional.layer_norm(
        tensors["input"], tensors["weight"].shape, tensors["weight"], tensors["bias"]
    ),
    "batch_norm": lambda tensors: functional.batch_norm(
        tensors["input"], None, None, tensors["weight"], tensors["bias"], training=True
    ),
    "dropout": _dropout,
    "embedding": lambda tensors: functional.embedding(tensors["input"], tensors["weight"]),
}
"""Name -> the layer's output from its input and parameters by name."""


def layer_gradients(
    layer: str, tensors: Tensors, d_loss_d_output: Tensor, wrt: Sequence[str], **options: Any
) -> dict[str, Tensor]:
    """The layer's output, and autograd's gradient with respect to the named tensors.

    Shapes: d_loss_d_output has the output's shape, each gradient that of its tensor
    """
    leaves = {name: tensors[name].detach().clone().requires_grad_() for name in wrt}
    output = LAYERS[layer]({**tensors, **leaves}, **options)
    derivatives = torch.autograd.grad(output, list(leaves.values()), d_loss_d_output)
    return {"output": output.detach(), **dict(zip(wrt, derivatives, strict=True))}
