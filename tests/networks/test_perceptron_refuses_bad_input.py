"""Architectures and data of which no perceptron can be made are refused in one line each."""

import re
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from manual_backprop.layers.table import ACTIVATIONS
from manual_backprop.losses.table import LOSSES
from manual_backprop.networks import perceptron
from perceptrons_compared import network_of
from strategies_layers import make_perceptron_case

KNOWN = ", ".join(ACTIVATIONS)

ARCHITECTURES = {
    "one width": (((3,), ()), "a perceptron needs at least two widths of at least 1, found [3]"),
    "a width of 0": (
        ((3, 0), (None,)),
        "a perceptron needs at least two widths of at least 1, found [3, 0]",
    ),
    "too few activations": (
        ((3, 4, 2), ("relu",)),
        "3 widths make 2 linear layers and need as many activations (None for none), found 1",
    ),
    "an unknown activation": (
        ((3, 4), ("rellu",)),
        f"unknown activation 'rellu': the known ones are {KNOWN}",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_an_impossible_architecture_is_refused(arguments: tuple, message: str) -> None:
    """The line names what was wrong, what was expected and what was found."""
    with pytest.raises(ValueError, match=re.escape(message[:20])) as raised:
        perceptron.perceptron(*arguments)
    assert str(raised.value) == message


def test_what_does_not_fit_the_network_is_refused() -> None:
    """Every mistake of a caller is one line that names it."""
    case = make_perceptron_case((3, 4, 2), ("relu", None), "ssr", 5, torch.float64, seed=9)
    network, parameters = network_of(case), case.parameters
    without = {name: tensor for name, tensor in parameters.items() if name != "2.bias"}
    transposed = {**parameters, "0.weight": parameters["0.weight"].T}

    def refused(message: str, own: Mapping[str, Tensor] = parameters, **changed: object) -> None:
        arguments = {"inputs": case.inputs, "targets": case.targets, **changed}
        with pytest.raises(ValueError, match=message):
            perceptron.gradients(network, own, **arguments)  # type: ignore[arg-type]

    refused("missing parameter 2.bias: all of 0.weight, 0.bias, 2.weight", without)
    refused(r"0.weight must have shape \(4, 3\), found \(3, 4\)", transposed)
    refused(
        "unknown parameter '1.weight': the known ones are 0.weight", {**parameters, "1.weight": case.inputs}
    )
    refused("unknown parameter '3.output'", wrt=("3.output",))
    refused(f"unknown loss 'sse': the known ones are {', '.join(LOSSES)}$", loss="sse")
    refused(r"inputs must have shape \(\.\.\., 3\)", inputs=case.targets)
    refused(r"targets must have shape \(5, 2\), found \(5, 3\)", targets=case.inputs)
    default = perceptron.loss_and_gradients(network, parameters, case.inputs, case.targets)[0]
    trace = perceptron.forward(network, parameters, case.inputs)
    assert default == LOSSES["ssr"].forward(trace.output, case.targets)[0]
