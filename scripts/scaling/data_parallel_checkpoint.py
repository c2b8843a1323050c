"""The state of a data-parallel training, and how it is kept."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from keeping import checkpoints
from manual_backprop.optimisers.momentum import Velocity
from manual_backprop.optimisers.table import Moments, adam, gradient_descent
from ranks.orphans import end_if_orphaned

PROGRAM = "data_parallel.py"
OPTIMISERS = {"gradient_descent": (gradient_descent, Velocity), "adam": (adam, Moments)}


class State(NamedTuple):
    """All that a training needs to go on; it is the same in every process."""

    step: int
    parameters: Mapping[str, Tensor]
    memory: Mapping[str, Any]


def save(state: State, path: Path, identity: Mapping[str, object]) -> None:
    """Write the checkpoint as a whole or not at all: a process that dies leaves the one before."""
    end_if_orphaned()
    memory = {name: tuple(memory) for name, memory in state.memory.items()}
    checkpoints.save(path, PROGRAM, identity, {**state._asdict(), "memory": memory})


def load(path: Path, identity: Mapping[str, object], optimiser: str, place: torch.device) -> State:
    """The checkpoint of this very training; ValueError in one line for any other."""
    found = checkpoints.load(path, PROGRAM, identity, place)
    kind = OPTIMISERS[optimiser][1]
    memory = {name: kind(*values) for name, values in found["memory"].items()}
    return State(found["step"], found["parameters"], memory)


def described(state: State) -> dict[str, str]:
    """A checksum for each parameter, to be compared with other processes'."""
    found = {}
    for name, value in state.parameters.items():
        content = value.detach().cpu().contiguous().numpy().tobytes()
        found[f"{name} at the start"] = hashlib.sha256(content).hexdigest()[:16]
    return found


def check_finite(state: State, loss: Tensor, gradients: Mapping[str, Tensor]) -> None:
    """Raise ValueError for a step that led to NaN or infinity: what was kept before it stays as it is."""
    named = {"the loss": loss, **{f"d_loss_d_{name}": value for name, value in gradients.items()}}
    for name, value in {**named, **state.parameters}.items():
        if not value.isfinite().all():
            raise ValueError(
                f"step {state.step}: NaN or infinity, first in {name}; a smaller --learning-rate may help"
            )
