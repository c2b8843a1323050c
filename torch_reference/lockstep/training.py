"""The reference training of a perceptron: nn.Sequential, autograd and torch.optim, on mini-batches."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from torch_reference.losses.table import LOSSES
from torch_reference.optimisers.table import OPTIMISERS, SETTINGS

Tensors = Mapping[str, Tensor]


class Follower:
    """torch.optim's update of parameters whose gradients somebody else gives."""

    def __init__(self, parameters: Tensors, optimiser: str, settings: Mapping[str, Any]) -> None:
        """Begin at copies of these parameters; the settings have manual_backprop's names."""
        self.parameters = {name: nn.Parameter(value.detach().clone()) for name, value in parameters.items()}
        # foreach and fused kernels round in another order.
        named = {SETTINGS.get(name, name): value for name, value in settings.items()} | {"foreach": False}
        self.optimiser = OPTIMISERS[optimiser](self.parameters.values(), **named)

    def step(self, gradients: Tensors) -> dict[str, Tensor]:
        """The parameters after one step along these gradients."""
        for name, parameter in self.parameters.items():
            parameter.grad = gradients[name].detach()
        self.optimiser.step()
        return self.here

    @property
    def here(self) -> dict[str, Tensor]:
        """Copies of the parameters as they are."""
        return {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    def saved(self) -> dict[str, Any]:
        """Parameters and the optimiser's memory, as plain data for a checkpoint."""
        return {"parameters": self.here, "optimiser": self.optimiser.state_dict()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what saved returned."""
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(saved["parameters"][name])
        self.optimiser.load_state_dict(saved["optimiser"])


class Training(Follower):
    """torch's own training: its own gradients, at its own parameters."""

    def __init__(
        self,
        network: nn.Sequential,
        parameters: Tensors,
        loss: str,
        optimiser: str,
        settings: Mapping[str, Any],
    ) -> None:
        """Begin at copies of these parameters; the network's own are never read."""
        super().__init__(parameters, optimiser, settings)
        self.network, self.loss = network, LOSSES[loss]

    def take(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One step on a mini-batch; the loss before it."""
        own: dict[str, Tensor] = dict(self.parameters)
        value = self.loss(functional_call(self.network, own, (inputs,)), targets)
        gradients = torch.autograd.grad(value, list(self.parameters.values()))
        self.step(dict(zip(self.parameters, gradients, strict=True)))
        return value.detach()
