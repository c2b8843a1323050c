"""The lesson's network: its formulas by name, a torch.nn module, and which name stands where in it."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from torch_reference.lesson.formulas import parameters_of

FORMULAS = {
    "x1": "w1 * inputs + b1",
    "y1": "softplus(x1)",
    "x2": "w2 * inputs + b2",
    "y2": "softplus(x2)",
    "predicted": "w3 * y1 + w4 * y2 + b3",
}
"""Every intermediate, in the order of the forward pass: what rounding may do to it is read off here."""

Names: TypeAlias = "str | tuple[Names, ...]"
"""A name, or rows of names."""

PARAMETERS = parameters_of(FORMULAS)
"""The names of all parameters, in the order of the forward pass; in the lesson w1, b1, w2, b2, w3, w4, b3."""

STATE: Mapping[str, Names] = {
    "hidden.weight": (("w1",), ("w2",)),
    "hidden.bias": ("b1", "b2"),
    "output.weight": (("w3", "w4"),),
    "output.bias": ("b3",),
}
"""Each parameter of the module, and the names of its elements."""

COLUMNS = {"hidden": ("x1", "x2"), "activation": ("y1", "y2"), "output": ("predicted",)}
"""Each submodule, and the names of its output's columns, in the order of the forward pass."""

SOFTPLUS_THRESHOLD = 40.0
"""Where nn.Softplus may return its input: SoftPlus(x) − x = log(1 + exp(−x)) < 5e-18 for x > 40.

That is 1e-19 of x, a thousandth of float64's rounding, and exp(40) is far from overflow even in float32.
PyTorch's default of 20 leaves a relative error of 1e-10: invisible in float32, nearly a million roundings of
half an eps in float64.
"""

Tap = Callable[[str, Tensor], Tensor]
"""What is done to a submodule's output before it goes on: (name of the submodule, output) -> output."""


class LessonNetwork(nn.Module):
    """One input, two SoftPlus nodes, one output: nn.Linear(1, 2), nn.Softplus, nn.Linear(2, 1).

    Formula: Predicted = output(activation(hidden(Input)))
    Shapes:  inputs (n, 1), predictions (n, 1)
    Source:  docs/lesson.md, section 2.1
    """

    def __init__(self, softplus_threshold: float = SOFTPLUS_THRESHOLD) -> None:
        """Make the network with torch's own random initialisation."""
        super().__init__()
        self.hidden = nn.Linear(1, 2)
        self.activation = nn.Softplus(threshold=softplus_threshold)
        self.output = nn.Linear(2, 1)

    def forward(
        self, inputs: Float[Tensor, "n 1"], tap: Tap = lambda _, output: output
    ) -> Float[Tensor, "n 1"]:
        """Predictions of the network, one row for each row of inputs."""
        x = tap("hidden", self.hidden(inputs))
        y = tap("activation", self.activation(x))
        return tap("output", self.output(y))


def state_dict(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The module's state from the named parameters, each of shape (): STATE with values for names.

    Formula: hidden.weight = [[w1], [w2]]    hidden.bias = [b1, b2]
             output.weight = [[w3, w4]]      output.bias = [b3]
    """
    return {
        key: torch.stack([parameters[name] for name in _flat(names)]).reshape(_shape(names))
        for key, names in STATE.items()
    }


def named_parameters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The named parameters, each of shape (), from the module's state: the inverse of state_dict."""
    found = {
        name: value
        for key, names in STATE.items()
        for name, value in zip(_flat(names), state[key].flatten(), strict=True)
    }
    return {name: found[name] for name in PARAMETERS}


def from_parameters(
    parameters: Mapping[str, Tensor], softplus_threshold: float = SOFTPLUS_THRESHOLD
) -> LessonNetwork:
    """A module that holds copies of the named parameters, in their dtype and on their device.

    Errors: ValueError for a parameter that is missing

    >>> import torch, torch_reference
    >>> values = {name: torch.tensor(0.5) for name in torch_reference.PARAMETERS}
    >>> torch_reference.from_parameters(values).output.bias
    Parameter containing:
    tensor([0.5000], requires_grad=True)
    """
    missing = [name for name in PARAMETERS if name not in parameters]
    if missing:
        raise ValueError(f"missing parameter {', '.join(missing)}: all of {', '.join(PARAMETERS)} are needed")
    state = state_dict(parameters)
    network = LessonNetwork(softplus_threshold).to(parameters[PARAMETERS[0]])
    network.load_state_dict(state)
    return network


def to_parameters(network: LessonNetwork) -> dict[str, Tensor]:
    """Copies of the named parameters of a module: the inverse of from_parameters.

    >>> import torch, torch_reference
    >>> values = {name: torch.tensor(0.5) for name in torch_reference.PARAMETERS}
    >>> torch_reference.to_parameters(torch_reference.from_parameters(values)) == values
    True
    """
    return {name: tensor.detach().clone() for name, tensor in named_parameters(network.state_dict()).items()}


def _flat(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(name for part in names for name in _flat(part))


def _shape(names: Names) -> tuple[int, ...]:
    return () if isinstance(names, str) else (len(names), *_shape(names[0]))
