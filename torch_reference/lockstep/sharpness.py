"""Autograd's Hessian of a perceptron: its product with a direction, and as a whole."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vjp, vmap

from torch_reference.losses.table import LOSSES

Tensors = Mapping[str, Tensor]


def hessian_vector_product(
    network: nn.Module,
    parameters: Tensors,
    inputs: Tensor,
    targets: Tensor,
    direction: Tensors,
    loss: str = "ssr",
) -> dict[str, Tensor]:
    """The Hessian of the loss times a direction, exactly: reverse over reverse.

    Shapes: direction and result have the names and shapes of the parameters
    """

    def value(own: Tensors) -> Tensor:
        return LOSSES[loss](functional_call(network, dict(own), (inputs,)), targets)

    # Forward over reverse would be cheaper, but at its first use torch.func.jvp loads torch.jit, which is
    # deprecated and warns.
    pull_back = vjp(grad(value), dict(parameters))[1]
    return pull_back(dict(direction))[0]


def hessian(
    network: nn.Module, parameters: Tensors, inputs: Tensor, targets: Tensor, loss: str = "ssr"
) -> Tensor:
    """The whole Hessian, for small networks: all parameters in a row, in the order of the mapping.

    Shapes: (m, m) for m numbers in all parameters together
    """
    sizes = [tensor.numel() for tensor in parameters.values()]

    def row(unit: Tensor) -> Tensor:
        pieces = zip(parameters.items(), torch.split(unit, sizes), strict=True)
        direction = {name: piece.reshape(tensor.shape) for (name, tensor), piece in pieces}
        product = hessian_vector_product(network, parameters, inputs, targets, direction, loss)
        return torch.cat([product[name].reshape(-1) for name in parameters])

    like = next(iter(parameters.values()))
    return vmap(row)(torch.eye(sum(sizes), dtype=like.dtype, device=like.device))
