"""From a run to a checkpoint's content and back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from keeping import checkpoints
from manual_backprop import OPTIMISERS
from manual_backprop.training.early_stopping import Best
from manual_backprop.training.epochs import Point
from torch_reference.lockstep.lockstep import Lockstep
from training.data import Data
from training.setup import Setup

PROGRAM = "train.py"


def made_for(setup: Setup, data: Data) -> dict[str, Any]:
    """What a checkpoint must share with the run that resumes it."""
    recipe = setup.recipe
    return {
        # Classes first: one that is new also changes the last width, which would explain less.
        "classes" if data.is_classes else "outputs": list(data.outputs),
        "widths": list(setup.widths),
        "activations": list(setup.activations),
        "data": data.fingerprint,
        "loss": recipe.loss,
        "optimiser": recipe.optimiser,
        "settings": dict(recipe.settings),
        "batch size": recipe.batch_size,
        "seed": recipe.seed,
        "dtype": str(data.training.inputs.dtype),
    }


def content_of(point: Point, best: Best, first_loss: float, lockstep: Lockstep, log: Any) -> dict[str, Any]:
    """The whole state of a run, as plain data and tensors; log is how far its log goes."""
    memories = {name: memory._asdict() for name, memory in point.state.items()}
    return {
        "point": {**point._asdict(), "parameters": dict(point.parameters), "state": memories},
        "best": {**best._asdict(), "parameters": best.parameters and dict(best.parameters)},
        "first_loss": first_loss,
        "lockstep": lockstep.saved(),
        "log": log,
    }


def resumed(
    path: Path, setup: Setup, data: Data, start: Mapping[str, Tensor], lockstep: Lockstep
) -> tuple[Point, Best, float, Any]:
    """The point, the best one, the first loss and the log's end; the lockstep goes on from there too."""
    content = checkpoints.load(path, PROGRAM, made_for(setup, data), data.training.inputs.device)
    saved = content["point"]
    # One step along nothing shows what the optimiser remembers.
    nothing = {name: torch.zeros_like(value) for name, value in start.items()}
    _, like = OPTIMISERS[setup.recipe.optimiser](start, nothing, {}, **setup.recipe.settings)
    state = {name: like[name]._replace(**memory) for name, memory in saved["state"].items()}
    lockstep.restore(content["lockstep"])
    point = Point(**{**saved, "state": state})
    return point, Best(**content["best"]), content["first_loss"], content["log"]
