"""The lesson's network as a torch.nn module, and the two-way street between it and the seven names."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

PARAMETERS = ("w1", "b1", "w2", "b2", "w3", "w4", "b3")
"""The names of all seven parameters, in the order of the forward pass."""

SOFTPLUS_THRESHOLD = 40.0
"""Where nn.Softplus may return its input: SoftPlus(x) − x = log(1 + exp(−x)) < 5e-18 for x > 40.

That is 1e-19 of x, a thousandth of float64's rounding, and exp(40) is far from overflow even in float32.
PyTorch's default of 20 leaves a relative error of 1e-10: invisible in float32, nearly a million roundings of
half an eps in float64.
"""


class LessonNetwork(nn.Module):
    """One input, two SoftPlus nodes, one output: nn.Linear(1, 2), nn.Softplus, nn.Linear(2, 1).

    Formula: Predicted = output(activation(hidden(Input)))
    Shapes:  inputs (n, 1), predictions (n, 1)
    Source:  the lesson, section 2.1
    """

    def __init__(self, softplus_threshold: float = SOFTPLUS_THRESHOLD) -> None:
        """Make the network with torch's own random initialisation."""
        super().__init__()
        self.hidden = nn.Linear(1, 2)
        self.activation = nn.Softplus(threshold=softplus_threshold)
        self.output = nn.Linear(2, 1)

    def forward(self, inputs: Float[Tensor, "n 1"]) -> Float[Tensor, "n 1"]:
        """Predictions of the network, one row for each row of inputs."""
        predicted: Tensor = self.output(self.activation(self.hidden(inputs)))
        return predicted


def state_dict(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The module's state from the seven named parameters, each of shape ().

    Formula: hidden.weight = [[w1], [w2]]    hidden.bias = [b1, b2]
             output.weight = [[w3, w4]]      output.bias = [b3]
    """
    w1, b1, w2, b2, w3, w4, b3 = (parameters[name] for name in PARAMETERS)
    return {
        "hidden.weight": torch.stack([w1, w2]).unsqueeze(1),
        "hidden.bias": torch.stack([b1, b2]),
        "output.weight": torch.stack([w3, w4]).unsqueeze(0),
        "output.bias": b3.unsqueeze(0),
    }


def named_parameters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The seven named parameters, each of shape (), from the module's state: the inverse of state_dict."""
    (w1, w2), (b1, b2) = state["hidden.weight"].squeeze(1), state["hidden.bias"]
    w3, w4 = state["output.weight"].squeeze(0)
    return {"w1": w1, "b1": b1, "w2": w2, "b2": b2, "w3": w3, "w4": w4, "b3": state["output.bias"].squeeze(0)}


def from_parameters(
    parameters: Mapping[str, Tensor], softplus_threshold: float = SOFTPLUS_THRESHOLD
) -> LessonNetwork:
    """A module that holds copies of the seven named parameters, in their dtype and on their device."""
    state = state_dict(parameters)
    network = LessonNetwork(softplus_threshold).to(parameters["w1"])
    network.load_state_dict(state)
    return network


def to_parameters(network: LessonNetwork) -> dict[str, Tensor]:
    """Copies of the seven named parameters of a module: the inverse of from_parameters."""
    return {name: tensor.detach().clone() for name, tensor in named_parameters(network.state_dict()).items()}
