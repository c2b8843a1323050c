"""The gradient of the rows of all processes, each layer's sent while the one before is derived."""

from collections.abc import Mapping
from itertools import chain

from torch import Tensor

from manual_backprop.losses.table import LOSSES
from manual_backprop.networks import perceptron
from manual_backprop.networks.perceptron import Perceptron
from manual_backprop.training import distributed
from ranks.joining import Ranks


def loss_and_gradients(
    network: Perceptron, parameters: Mapping[str, Tensor], inputs: Tensor, targets: Tensor, ranks: Ranks
) -> tuple[Tensor, dict[str, Tensor]]:
    """The SSR of all processes' rows and its gradient: each layer's is sent while the next is derived."""
    ssr = LOSSES["ssr"]
    trace = perceptron.forward(network, parameters, inputs)
    loss, saved = ssr.forward(trace.output, targets)
    derived = perceptron.backwards(network, trace, ssr.d_loss_d_predicted(saved), network.parameters)
    if ranks.size > 1:
        found = distributed.summed(chain([("loss", loss)], derived))
        loss = found.pop("loss")
        return loss, found
    return loss, dict(derived)
