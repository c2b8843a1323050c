"""The architecture of a multilayer perceptron: linear layers with activations between.

Parameters are named as torch.nn.Sequential's state_dict names them, so that a state_dict goes in and the
gradient comes out by the same names: widths 64, 64, 10 with ReLU between have 0.weight, 0.bias, 2.weight and
2.bias, for the ReLU is module 1. Module 1's output is "1.output"; "input" is what enters module 0.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from manual_backprop.checks import check_choice
from manual_backprop.layers.layer import Layer
from manual_backprop.layers.table import ACTIVATIONS, LAYERS


class Module(NamedTuple):
    """One layer of the perceptron, under the name that nn.Sequential gives it."""

    name: str
    layer: Layer
    shapes: Mapping[str, tuple[int, ...]]  # of the layer's parameters

    @property
    def parameters(self) -> dict[str, str]:
        """The perceptron's name of each parameter -> the layer's own: {"0.weight": "weight", ...}."""
        return {f"{self.name}.{parameter}": parameter for parameter in self.layer.parameters}


class Perceptron(NamedTuple):
    """The modules of a perceptron, in the order of the forward pass; see perceptron."""

    modules: tuple[Module, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter -> shape, in the order of the forward pass."""
        return {
            name: module.shapes[own] for module in self.modules for name, own in module.parameters.items()
        }

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all parameters, in the order of the forward pass."""
        return tuple(self.shapes)

    @property
    def intermediates(self) -> tuple[str, ...]:
        """The names of all intermediates: "input", then each module's output."""
        return ("input", *(f"{module.name}.output" for module in self.modules))


def perceptron(widths: Sequence[int], activations: Sequence[str | None]) -> Perceptron:
    """The perceptron of these widths, with an activation, or None, after each linear layer.

    Formula: Outputₗ = Activationₗ(Weightₗ · Outputₗ₋₁ + Biasₗ)
    Shapes:  widths, from the input's to the output's, are one more than activations
    Errors:  ValueError for widths or activations that do not fit, or an unknown activation
    """
    if len(widths) < 2 or any(width < 1 for width in widths):
        raise ValueError(f"a perceptron needs at least two widths of at least 1, found {list(widths)}")
    if len(activations) != len(widths) - 1:
        raise ValueError(
            f"{len(widths)} widths make {len(widths) - 1} linear layers and need as many activations "
            f"(None for none), found {len(activations)}"
        )
    modules: list[Module] = []
    for inputs, outputs, activation in zip(widths, widths[1:], activations, strict=False):
        shapes = {"weight": (outputs, inputs), "bias": (outputs,)}
        modules.append(Module(str(len(modules)), LAYERS["linear"], shapes))
        if activation is not None:
            check_choice("activation", activation, ACTIVATIONS)
            modules.append(Module(str(len(modules)), ACTIVATIONS[activation], {}))
    return Perceptron(tuple(modules))


def initial_parameters(
    network: Perceptron, generator: torch.Generator, dtype: torch.dtype = torch.float64
) -> dict[str, Tensor]:
    """Random parameters, as torch.nn.Linear draws them: the generator's seed decides them all.

    Formula: uniform from −1/√k to 1/√k for a layer of k inputs, weight first, then bias
    Source:  torch.nn.Linear's documentation

    >>> import torch
    >>> from manual_backprop.networks.architecture import perceptron
    >>> network = perceptron([3, 4, 2], ["relu", None])
    >>> parameters = initial_parameters(network, torch.Generator().manual_seed(0))
    >>> {name: tuple(value.shape) for name, value in parameters.items()}
    {'0.weight': (4, 3), '0.bias': (4,), '2.weight': (2, 4), '2.bias': (2,)}
    """
    parameters = {}
    for module in network.modules:
        for name, own in module.parameters.items():
            largest = 1 / math.sqrt(module.shapes["weight"][1])
            empty = torch.empty(module.shapes[own], dtype=dtype, device=generator.device)
            parameters[name] = empty.uniform_(-largest, largest, generator=generator)
    return parameters
