"""What is trained, on what, how: the perceptron that fits the data, and the recipe."""

import argparse
import inspect
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from manual_backprop import LOSSES, OPTIMISERS
from manual_backprop.networks import perceptron
from manual_backprop.networks.perceptron import Perceptron
from manual_backprop.training.epochs import Recipe
from training.data import Data, Part


class Setup(NamedTuple):
    """A perceptron by hand, what torch makes the same one of, and how it is trained."""

    network: Perceptron
    widths: tuple[int, ...]
    activations: tuple[str | None, ...]
    recipe: Recipe


def set_up(options: argparse.Namespace, data: Data) -> Setup:
    """The perceptron that fits the data, and the recipe."""
    widths = (len(data.inputs), *options.hidden, len(data.outputs))
    activations = (*[options.activation] * len(options.hidden), None)
    loss = options.loss or ("cross_entropy_mean" if data.is_classes else "mean_squared_error")
    if data.is_classes != loss.startswith("cross_entropy"):
        kind = "classes" if data.is_classes else "numbers"
        fits = [name for name in LOSSES if name.startswith("cross_entropy") == data.is_classes]
        raise ValueError(f"--loss: {loss} does not fit {kind}; expected one of {', '.join(fits)}")
    targets = torch.cat([part.targets for part in (data.training, data.validation, data.test)])
    if loss.startswith("binary") and not ((targets >= 0) & (targets <= 1)).all():
        raise ValueError(f"--loss: {loss} takes outputs from 0 to 1, found {targets.max().item():g} at most")
    recipe = Recipe(loss, options.optimiser, settings_of(options), options.batch_size, options.seed)
    return Setup(perceptron.perceptron(widths, activations), widths, activations, recipe)


def settings_of(options: argparse.Namespace) -> dict[str, float]:
    """The settings that the chosen optimiser takes; ValueError for one that is given and that it does not."""
    known = inspect.signature(OPTIMISERS[options.optimiser]).parameters
    settings = {"learning_rate": options.learning_rate}
    for name in ("weight_decay", "momentum"):
        value = getattr(options, name)
        if name in known:
            settings[name] = value
        elif value:
            own = [key for key, setting in known.items() if setting.kind is setting.KEYWORD_ONLY]
            option = "--" + name.replace("_", "-")
            raise ValueError(f"{option}: {options.optimiser} takes {', '.join(own)}; found {name} {value:g}")
    return settings


def start_of(setup: Setup, data: Data) -> dict[str, Tensor]:
    """The parameters to start from: the seed decides them, whatever the device."""
    like = data.training.inputs
    generator = torch.Generator().manual_seed(setup.recipe.seed)
    start = perceptron.initial_parameters(setup.network, generator, like.dtype)
    return {name: value.to(like.device) for name, value in start.items()}


def scores(setup: Setup, parameters: Mapping[str, Tensor], part: Part, prefix: str = "") -> dict[str, float]:
    """The loss of a part of the data, and the share of rows whose class is found."""
    output = perceptron.forward(setup.network, parameters, part.inputs).output
    found = {f"{prefix}loss": LOSSES[setup.recipe.loss].forward(output, part.targets)[0].item()}
    if not part.targets.is_floating_point():
        right = output.argmax(-1) == part.targets
        found[f"{prefix}accuracy"] = right.double().mean().item()
    return found
