"""Training of any perceptron on mini-batches: one gradient and one step of the optimiser for each."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_choice
from manual_backprop.losses.table import LOSSES
from manual_backprop.networks.perceptron import Perceptron, Trace, backward, forward
from manual_backprop.optimisers.table import OPTIMISERS
from manual_backprop.training.minibatches import batches


class Point(NamedTuple):
    """Where a training stands: everything that the next step depends on, besides data and recipe."""

    parameters: Mapping[str, Tensor]
    state: Mapping[str, Any]  # the optimiser's
    epoch: int = 0
    step: int = 0


class Recipe(NamedTuple):
    """How to train: the names are those of LOSSES and OPTIMISERS, the settings the optimiser's."""

    loss: str
    optimiser: str
    settings: Mapping[str, Any]
    batch_size: int
    seed: int


class Step(NamedTuple):
    """One step: where it began, what was computed there, and where it led.

    Shapes: gradients has every module's output ("k.output") and every parameter, from the loss backwards
    """

    before: Point
    after: Point
    inputs: Tensor
    targets: Tensor
    trace: Trace
    loss: Float[Tensor, ""]
    gradients: Mapping[str, Tensor]


def epoch_of_steps(
    network: Perceptron, start: Point, inputs: Tensor, targets: Tensor, recipe: Recipe
) -> Iterator[Step]:
    """Train for one epoch: one step for each mini-batch; the last step's `after` begins the next epoch.

    Formula: θₖ₊₁, stateₖ₊₁ = optimiser(θₖ, ∂Loss/∂θ (mini-batchₖ, θₖ), stateₖ)
    Shapes:  inputs (n, first width), targets (n, …) as the loss takes them
    Errors:  ValueError for an unknown loss or optimiser, and those of the perceptron and of the optimiser

    >>> import torch
    >>> from manual_backprop.networks.architecture import initial_parameters, perceptron
    >>> network = perceptron([1, 1], [None])
    >>> inputs = torch.linspace(0, 1, 8, dtype=torch.float64)[:, None]
    >>> recipe = Recipe("ssr", "gradient_descent", {"learning_rate": 0.1}, batch_size=4, seed=0)
    >>> here = Point(initial_parameters(network, torch.Generator().manual_seed(0)), {})
    >>> for epoch in range(100):
    ...     *_, last = epoch_of_steps(network, here._replace(epoch=epoch), inputs, 3 * inputs, recipe)
    ...     here = last.after
    >>> round(here.parameters["0.weight"].item(), 3), here.step
    (3.0, 200)
    """
    check_choice("loss", recipe.loss, LOSSES)
    check_choice("optimiser", recipe.optimiser, OPTIMISERS)
    # From the loss backwards, as they are computed.
    backwards = [name for m in reversed(network.modules) for name in (f"{m.name}.output", *m.parameters)]
    here = start
    for rows in batches(len(inputs), recipe.batch_size, recipe.seed, start.epoch):
        rows = rows.to(inputs.device)
        some_inputs, some_targets = inputs[rows], targets[rows]
        trace = forward(network, here.parameters, some_inputs)
        loss, saved = LOSSES[recipe.loss].forward(trace.output, some_targets)
        d_loss_d_output = LOSSES[recipe.loss].d_loss_d_predicted(saved)
        gradients = backward(network, trace, d_loss_d_output, backwards)
        own = {name: gradients[name] for name in network.parameters}
        parameters, state = OPTIMISERS[recipe.optimiser](here.parameters, own, here.state, **recipe.settings)
        there = Point(parameters, state, here.epoch, here.step + 1)
        yield Step(here, there, some_inputs, some_targets, trace, loss, gradients)
        here = there
