"""What to watch in a training: how large the gradients are, how far they move what, what is flat."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from manual_backprop.layers.activations import ELEMENTWISE
from manual_backprop.networks.perceptron import Perceptron
from manual_backprop.training.epochs import Step

FLAT_SLOPE = 0.01
"""An activation passes on less than a hundredth of what it gets: a sigmoid beyond ±4.6, a ReLU below 0."""


class Figures(NamedTuple):
    """The figures of one step.

    gradient_norm and parameter_norm (before the step) are Euclidean, update_ratio is ‖θₖ₊₁ − θₖ‖ / ‖θₖ‖, all
    by parameter. flat is the share of an activation's elements whose slope is below FLAT_SLOPE, dead the
    share of its units that are flat for every row of the mini-batch, both by "k.output".
    """

    epoch: int
    step: int
    loss: float
    gradient_norm: Mapping[str, float]
    parameter_norm: Mapping[str, float]
    update_ratio: Mapping[str, float]
    flat: Mapping[str, float]
    dead: Mapping[str, float]


def figures(network: Perceptron, step: Step) -> Figures:
    """Everything that is watched in one step.

    Formula: see Figures; a parameter of zeros has the update ratio ∞, or 0 where it stays
    """
    before, after = step.before.parameters, step.after.parameters
    norms = {name: torch.linalg.vector_norm(value) for name, value in before.items()}
    moves = {name: torch.linalg.vector_norm(after[name] - before[name]) for name in before}
    flat, dead = {}, {}
    for module, saved in zip(network.modules, step.trace.saved, strict=True):
        # Softmax has no slope of its own: its outputs depend on a whole row.
        if module.layer in ELEMENTWISE.values():
            slope = module.layer.derivatives["input"](saved, torch.ones_like(saved.input))
            is_flat = slope.abs() < FLAT_SLOPE
            flat[f"{module.name}.output"] = is_flat.double().mean().item()
            dead[f"{module.name}.output"] = is_flat.all(0).double().mean().item()
    return Figures(
        epoch=step.before.epoch,
        step=step.before.step,
        loss=step.loss.item(),
        gradient_norm={name: torch.linalg.vector_norm(step.gradients[name]).item() for name in before},
        parameter_norm={name: norm.item() for name, norm in norms.items()},
        update_ratio={
            name: (moves[name] / norms[name]).nan_to_num(posinf=torch.inf).item() for name in before
        },
        flat=flat,
        dead=dead,
    )


def first_not_finite(step: Step) -> str | None:
    """The first name in the order of the computation whose value is NaN or infinite, if any.

    Parameters and the outputs module by module, then the loss, then the gradients from the loss backwards:
    what comes later is only infected.
    """
    gradients = {f"the gradient of {name}": value for name, value in step.gradients.items()}
    before = step.before.parameters
    for name, value in step.trace.intermediates.items():
        prefix = name.removesuffix("output")
        own = {f"parameter {key}": before[key] for key in before if key.startswith(prefix)}
        if found := _not_finite({**own, name: value}):
            return found
    return _not_finite({"the loss": step.loss, **gradients})


def _not_finite(values: Mapping[str, Tensor]) -> str | None:
    return next((name for name, value in values.items() if not value.isfinite().all()), None)
