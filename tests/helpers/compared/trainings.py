"""Small trainings of perceptrons in lockstep, for the tests."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from manual_backprop.layers.layer import Layer
from manual_backprop.networks.architecture import Perceptron
from manual_backprop.networks.perceptron import perceptron
from manual_backprop.training.epochs import Point, Recipe, Step, epoch_of_steps
from strategies_layers import PerceptronCase, make_perceptron_case
from torch_reference.lockstep.lockstep import Lockstep
from torch_reference.networks.perceptron import sequential
from training.run import judged


def steps_of(
    case: PerceptronCase,
    epochs: int,
    optimiser: str = "adam",
    network: Perceptron | None = None,
    **settings: Any,
) -> Iterator[Step]:
    """The training by hand, on mini-batches of 8."""
    network = network or perceptron(case.widths, case.activations)
    recipe = Recipe(case.loss, optimiser, {"learning_rate": 0.02, **settings}, 8, 3)
    point = Point(case.parameters, {})
    for epoch in range(epochs):
        for step in epoch_of_steps(network, point._replace(epoch=epoch), case.inputs, case.targets, recipe):
            yield step
            point = step.after


def small_case(
    activation: str = "tanh", loss: str = "cross_entropy_mean", dtype: torch.dtype = torch.float64
) -> PerceptronCase:
    """A 4-6-3 perceptron with 20 rows: mini-batches of 8, 8 and 4."""
    return make_perceptron_case((4, 6, 3), (activation, None), loss, 20, dtype, seed=4)


def lockstep_of(
    case: PerceptronCase, optimiser: str = "adam", check_every: int = 1, **settings: Any
) -> Lockstep:
    """The judge of such a training."""
    network = sequential(case.widths, case.activations)
    settings = {"learning_rate": 0.02, **settings}
    return Lockstep(network, case.parameters, case.loss, optimiser, settings, check_every)


def observe(lockstep: Lockstep, step: Step, changed: Mapping[str, Tensor] | None = None) -> None:
    """Show a step to the judge, with some of its numbers changed."""
    changed = changed or {}
    after = {
        name: changed.get(f"after the update, {name}", value) for name, value in step.after.parameters.items()
    }
    lockstep.observe(step.before.step, {**judged(step), **changed}, after)


def with_layer(network: Perceptron, name: str, layer: Layer) -> Perceptron:
    """The network with another layer in one place."""
    modules = network.modules
    return Perceptron(tuple(m._replace(layer=layer) if m.name == name else m for m in modules))
