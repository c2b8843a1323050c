"""Any multilayer perceptron: its gradient by one forward and one backward pass.

The lesson's chain, for any number of layers: the derivative of the loss with respect to a module's output is
the term that everything before that module shares, and it is computed once.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_choice, check_names
from manual_backprop.losses.table import LOSSES
from manual_backprop.networks.architecture import Perceptron, initial_parameters, perceptron

__all__ = [
    "Perceptron",
    "Trace",
    "backward",
    "backwards",
    "forward",
    "gradients",
    "initial_parameters",
    "loss_and_gradients",
    "perceptron",
]


class Trace(NamedTuple):
    """One forward pass: every intermediate by name, and what each module saved for its derivatives."""

    intermediates: Mapping[str, Tensor]
    saved: tuple[Any, ...]

    @property
    def output(self) -> Tensor:
        """The last module's output, shape (*lead, last width)."""
        return list(self.intermediates.values())[-1]


def forward(network: Perceptron, parameters: Mapping[str, Tensor], inputs: Tensor) -> Trace:
    """Forward pass through all modules.

    Shapes:  inputs (*lead, first width), "k.output" (*lead, width of module k)
    Errors:  ValueError for a missing, unknown or ill-shaped parameter, and those of the layers
    """
    _check_parameters(network, parameters)
    output, intermediates, saved = inputs, {"input": inputs}, []
    for module in network.modules:
        own = {own: parameters[name] for name, own in module.parameters.items()}
        output, saved_here = module.layer.forward(own, output)
        intermediates[f"{module.name}.output"] = output
        saved.append(saved_here)
    return Trace(intermediates, tuple(saved))


def _check_parameters(network: Perceptron, parameters: Mapping[str, Tensor]) -> None:
    check_names(parameters, network.parameters)
    for name, shape in network.shapes.items():
        if name not in parameters:
            raise ValueError(f"missing parameter {name}: all of {', '.join(network.parameters)} are needed")
        if tuple(parameters[name].shape) != shape:
            raise ValueError(f"{name} must have shape {shape}, found {tuple(parameters[name].shape)}")


def backward(
    network: Perceptron, trace: Trace, d_loss_d_output: Tensor, wrt: Sequence[str]
) -> dict[str, Tensor]:
    """Gradient of the loss with respect to the named parameters and intermediates, from the output backwards.

    Formula: ∂Loss/∂Outputₗ₋₁ = ∂Loss/∂Outputₗ · ∂Outputₗ/∂Outputₗ₋₁, once per module, for all parameters
    Shapes:  each result has the shape of what it is named after
    Errors:  ValueError for an unknown name in wrt, with the known ones
    Source:  the chain rule; the pass ends at the earliest module that wrt needs
    """
    found = dict(backwards(network, trace, d_loss_d_output, wrt))
    return {name: found[name] for name in wrt}


def backwards(
    network: Perceptron, trace: Trace, d_loss_d_output: Tensor, wrt: Sequence[str]
) -> Iterator[tuple[str, Tensor]]:
    """The gradients of backward one by one, each as soon as it is there: the last module's come first."""
    check_names(wrt, (*network.parameters, *network.intermediates))
    # "input" belongs to no module: it stands before module 0, at −1.
    earliest = min((-1 if name == "input" else int(name.split(".")[0]) for name in wrt), default=math.inf)
    for position in reversed(range(len(network.modules))):
        if position < earliest:
            return
        module = network.modules[position]
        if f"{module.name}.output" in wrt:
            yield f"{module.name}.output", d_loss_d_output
        wanted = [own for name, own in module.parameters.items() if name in wrt]
        if position > earliest:
            wanted.append("input")
        here = module.layer.backward(trace.saved[position], d_loss_d_output, wanted)
        yield from ((name, here[own]) for name, own in module.parameters.items() if own in wanted)
        d_loss_d_output = here.get("input", d_loss_d_output)
    if "input" in wrt:
        yield "input", d_loss_d_output


def loss_and_gradients(
    network: Perceptron,
    parameters: Mapping[str, Tensor],
    inputs: Tensor,
    targets: Tensor,
    loss: str = "ssr",
    wrt: Sequence[str] | None = None,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """The loss, and its gradient as gradients gives it, by one forward and one backward pass."""
    check_choice("loss", loss, LOSSES)
    wrt = network.parameters if wrt is None else wrt
    check_names(wrt, (*network.parameters, *network.intermediates))
    trace = forward(network, parameters, inputs)
    value, saved = LOSSES[loss].forward(trace.output, targets)
    return value, backward(network, trace, LOSSES[loss].d_loss_d_predicted(saved), wrt)


def gradients(
    network: Perceptron,
    parameters: Mapping[str, Tensor],
    inputs: Tensor,
    targets: Tensor,
    loss: str = "ssr",
    wrt: Sequence[str] | None = None,
) -> dict[str, Tensor]:
    """Gradient of the loss with respect to the named parameters and intermediates; None means all parameters.

    Formula: {name: ∂Loss/∂name for name in wrt}
    Shapes:  inputs (*lead, first width), targets as the loss takes them, each result as its name
    Errors:  those of forward and of the loss, ValueError for an unknown loss or an unknown name in wrt
    Source:  the chain rule, see backward
    """
    return loss_and_gradients(network, parameters, inputs, targets, loss, wrt)[1]
