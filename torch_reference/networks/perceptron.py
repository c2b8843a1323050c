"""Any multilayer perceptron as nn.Sequential, its gradient by autograd, by the same names."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from torch_reference.layers.table import ACTIVATIONS
from torch_reference.losses.table import LOSSES


def sequential(widths: Sequence[int], activations: Sequence[str | None]) -> nn.Sequential:
    """nn.Linear layers of these widths, with an activation, or None, after each.

    >>> sequential([3, 4, 2], ["relu", None])
    Sequential(
      (0): Linear(in_features=3, out_features=4, bias=True)
      (1): ReLU()
      (2): Linear(in_features=4, out_features=2, bias=True)
    )
    """
    modules: list[nn.Module] = []
    for inputs, outputs, activation in zip(widths[:-1], widths[1:], activations, strict=True):
        modules.append(nn.Linear(inputs, outputs))
        if activation is not None:
            modules.append(ACTIVATIONS[activation]())
    return nn.Sequential(*modules)


def forward(network: nn.Sequential, parameters: Mapping[str, Tensor], inputs: Tensor) -> dict[str, Tensor]:
    """Every intermediate by name: "input", and "k.output" for the output of module k.

    The network's own parameters are replaced by the given ones and never read.
    """
    values = {"input": inputs}
    output = inputs
    for index, module in enumerate(network):
        own = {name: parameters[f"{index}.{name}"] for name, _ in module.named_parameters()}
        output = values[f"{index}.output"] = functional_call(module, own, (output,))
    return values


def gradients(
    network: nn.Sequential,
    parameters: Mapping[str, Tensor],
    inputs: Tensor,
    targets: Tensor,
    loss: str = "ssr",
    wrt: Sequence[str] | None = None,
) -> dict[str, Tensor]:
    """Autograd's gradient of the loss with respect to the named parameters and intermediates.

    The names are those of the state_dict and of forward; None means all parameters.

    Shapes: each result has the shape of what it is named after
    """
    leaves = {name: tensor.detach().clone().requires_grad_() for name, tensor in parameters.items()}
    values = forward(network, leaves, inputs.detach().clone().requires_grad_())
    output = list(values.values())[-1]
    values |= leaves
    names = tuple(leaves) if wrt is None else tuple(wrt)
    derivatives = torch.autograd.grad(LOSSES[loss](output, targets), [values[name] for name in names])
    return dict(zip(names, derivatives, strict=True))
