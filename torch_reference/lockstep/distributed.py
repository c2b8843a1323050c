"""The gradient of several processes' data by DistributedDataParallel, autograd's way of summing them up."""

from collections.abc import Mapping, Sequence

from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from torch_reference.losses.table import LOSSES
from torch_reference.networks.perceptron import sequential


def gradients(
    widths: Sequence[int],
    activations: Sequence[str | None],
    parameters: Mapping[str, Tensor],
    inputs: Tensor,
    targets: Tensor,
    loss: str = "ssr",
) -> dict[str, Tensor]:
    """The gradient of the sum of all processes' losses, each with inputs and targets of its own.

    DistributedDataParallel averages: what it leaves in .grad is the sum divided by the number of processes,
    which is the gradient of the mean loss if all have equally many rows. Times that number it is the sum.

    Formula: Σᵣ ∂Lossᵣ/∂θ = size · DDP's gradient
    Shapes:  each result has the shape of its parameter
    """
    network = sequential(widths, activations).to(inputs.device, inputs.dtype)
    network.load_state_dict(dict(parameters))
    model: nn.Module = DistributedDataParallel(network)
    LOSSES[loss](model(inputs), targets).backward()
    size = distributed.get_world_size()
    return {name: size * value.grad for name, value in network.named_parameters() if value.grad is not None}
