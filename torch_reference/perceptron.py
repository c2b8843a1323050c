"""Any multilayer perceptron as nn.Sequential, its gradient by autograd, by the same names."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from torch_reference.layers import ACTIVATIONS, LOSSES


def sequential(widths: Sequence[int], activations: Sequence[str | None]) -> nn.Sequential:
    """nn.Linear layers of these widths, with an activation, or None, after each."""
    modules: list[nn.Module] = []
    for inputs, outputs, activation in zip(widths[:-1], widths[1:], activations, strict=True):
        modules.append(nn.Linear(inputs, outputs))
        if activation is not None:
            modules.append(ACTIVATIONS[activation]())
    return nn.Sequential(*modules)


def gradients(
    network: nn.Sequential,
    parameters: Mapping[str, Tensor],
    inputs: Tensor,
    targets: Tensor,
    loss: str = "ssr",
    wrt: Sequence[str] | None = None,
) -> dict[str, Tensor]:
    """Autograd's gradient of the loss with respect to the named parameters and intermediates.

    The names are those of the state_dict, "input", and "k.output" for the output of module k. The network's
    own parameters are replaced by the given ones and never read.

    Shapes: each result has the shape of what it is named after
    """
    leaves = {name: tensor.detach().clone().requires_grad_() for name, tensor in parameters.items()}
    values = {**leaves, "input": inputs.detach().clone().requires_grad_()}
    output = values["input"]
    for index, module in enumerate(network):
        own = {name: leaves[f"{index}.{name}"] for name, _ in module.named_parameters()}
        output = functional_call(module, own, (output,))
        values[f"{index}.output"] = output
    names = tuple(leaves) if wrt is None else tuple(wrt)
    derivatives = torch.autograd.grad(LOSSES[loss](output, targets), [values[name] for name in names])
    return dict(zip(names, derivatives, strict=True))
