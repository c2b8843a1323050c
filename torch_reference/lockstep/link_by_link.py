"""The links of a perceptron's step, each by torch from the other witness's own numbers, with its bound.

Each module is given the input, the parameters and the upstream gradient that the other witness had there, and
torch.nn and autograd say what a right module makes of them. So a wrong link is blamed alone: those before it
and behind it are right, given what they got.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from torch_reference.lockstep.link_bounds import activation_bounds, linear_bounds, loss_bounds
from torch_reference.losses.table import LOSSES

Tensors = Mapping[str, Tensor]
MIXES_ROWS = (nn.Softmax,)
"""The activations whose outputs depend on more than one input."""


class Link(NamedTuple):
    """What torch expects under a name, and how far from it rounding can lead."""

    name: str
    expected: Tensor
    bound: Tensor


def links(network: nn.Sequential, step: Tensors, loss: str) -> Iterator[Link]:
    """Every link of a step: "k.output" and "loss", then the derivatives "d_loss_d_…" from the loss backwards.

    Shapes: step has the parameters, "input", "targets", every "k.output" and "d_loss_d_k.output" of the step
            that is judged; each link has the shape of its value
    """
    judged = [_module_links(str(k), module, step) for k, module in enumerate(network)]
    for forward, _ in judged:
        yield forward
    yield from _loss_links(f"{len(network) - 1}.output", step, loss)
    for _, backward in reversed(judged):
        yield from backward


def _module_links(name: str, module: nn.Module, step: Tensors) -> tuple[Link, list[Link]]:
    source = "input" if name == "0" else f"{int(name) - 1}.output"
    inputs, upstream = step[source], step[f"d_loss_d_{name}.output"]
    own = {own: step[f"{name}.{own}"] for own, _ in module.named_parameters()}
    leaves = {key: value.detach().clone().requires_grad_() for key, value in own.items()}
    leaf = inputs.detach().clone().requires_grad_()
    output = functional_call(module, leaves, (leaf,))
    wanted = {**leaves, "input": leaf} if name != "0" else leaves
    slopes = dict(zip(wanted, torch.autograd.grad(output, list(wanted.values()), upstream), strict=True))
    output = output.detach()
    if isinstance(module, nn.Linear):
        bounds = linear_bounds(inputs, own["weight"], own["bias"], upstream)
    else:
        bounds = activation_bounds(inputs, output, upstream, slopes["input"], isinstance(module, MIXES_ROWS))
    titles = {key: source if key == "input" else f"{name}.{key}" for key in slopes}
    backward = [Link(f"d_loss_d_{titles[key]}", slopes[key], bounds[key]) for key in slopes]
    return Link(f"{name}.output", output, bounds["output"]), backward


def _loss_links(last: str, step: Tensors, loss: str) -> Iterator[Link]:
    predicted = step[last].detach().clone().requires_grad_()
    value = LOSSES[loss](predicted, step["targets"])
    (slope,) = torch.autograd.grad(value, predicted)
    # By their names, a mean divides by its number of terms and a sum does not.
    bounds = loss_bounds(step[last], step["targets"], value.detach(), is_mean="mean" in loss)
    yield Link("loss", value.detach(), bounds["loss"])
    yield Link(f"d_loss_d_{last}", slope, bounds["predicted"])
