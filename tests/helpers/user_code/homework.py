"""A student's network with a right derivation, and ways to spoil it; also what the script's tests import."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from torch_reference import Report, check_derivation

Gradients = dict[str, Tensor]


class Classifier(nn.Module):
    """Three inputs, four tanh nodes, two outputs."""

    def __init__(self) -> None:
        """Make the submodules, whose names are the names of the links."""
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.activation = nn.Tanh()
        self.output = nn.Linear(4, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores, one row per observation."""
        return self.output(self.activation(self.hidden(inputs)))


def loss(output: Tensor, targets: Tensor) -> Tensor:
    """Sum of squared residuals."""
    return ((targets - output) ** 2).sum()


def network() -> tuple[nn.Module, Callable, Tensor, Tensor]:
    """The module, the loss and random data: five observations."""
    torch.manual_seed(0)
    model = Classifier().double()
    return model, loss, torch.randn(5, 3).double(), torch.randn(5, 2).double()


def derivation(p: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Gradients:
    """The right derivation, link by link."""
    activation = torch.tanh(inputs @ p["hidden.weight"].T + p["hidden.bias"])
    d_loss_d_output = -2 * (targets - activation @ p["output.weight"].T - p["output.bias"])
    d_loss_d_activation = d_loss_d_output @ p["output.weight"]
    return {
        "output": d_loss_d_output,
        "output.weight": d_loss_d_output.T @ activation,
        "output.bias": d_loss_d_output.sum(0),
        "activation": d_loss_d_activation,
        **below_the_activation(d_loss_d_activation * (1 - activation**2), inputs),
    }


def below_the_activation(d_loss_d_hidden: Tensor, inputs: Tensor) -> Gradients:
    """The last three gradients, from the one above them."""
    return {
        "hidden": d_loss_d_hidden,
        "hidden.weight": d_loss_d_hidden.T @ inputs,
        "hidden.bias": d_loss_d_hidden.sum(0),
    }


def spoiled(
    change: Callable[[Gradients, Mapping[str, Tensor], Tensor], Gradients],
) -> Callable[..., Gradients]:
    """The right derivation with some of its gradients replaced by a mistake."""

    def wrong(p: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> Gradients:
        found = derivation(p, inputs, targets)
        found.update(change(dict(found), p, inputs))
        return found

    return wrong


def check(derivation: Callable, draws: int = 4) -> Report:
    """The report on a derivation of the student's network."""
    return check_derivation(*network(), derivation, draws=draws)


wrong_derivation = spoiled(lambda g, p, x: below_the_activation(g["activation"], x))
"""The derivative of tanh is missing."""


def wrong_signature(p: Mapping[str, Tensor]) -> Gradients:
    """Takes one argument instead of three."""
    return {}


def returns_a_list(p: Mapping[str, Tensor], inputs: Tensor, targets: Tensor) -> list[Tensor]:
    """Not a mapping."""
    return list(derivation(p, inputs, targets).values())


def data() -> tuple[Tensor, Tensor]:
    """What --examples may name."""
    return network()[2:]


def broken_factory() -> nn.Module:
    """A factory that fails."""
    raise RuntimeError("no network today")


class Unready(Classifier):
    """A network whose forward pass fails."""

    def forward(self, inputs: Tensor) -> Tensor:
        """It names what there is not."""
        return inputs + not_there  # noqa: F821


def broken_network() -> tuple[nn.Module, Callable, Tensor, Tensor]:
    """As network, of a model that fails when it is called."""
    return Unready().double(), *network()[1:]
