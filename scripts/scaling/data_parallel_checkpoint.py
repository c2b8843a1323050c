"""The state of a data-parallel training, and its checkpoint: whole or not there at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from manual_backprop.optimisers.momentum import Velocity
from manual_backprop.optimisers.table import Moments, adam, gradient_descent
from support.atomic_files import replacing

OPTIMISERS = {"gradient_descent": (gradient_descent, Velocity), "adam": (adam, Moments)}


class State(NamedTuple):
    """All that a training needs to go on; it is the same in every process."""

    step: int
    parameters: Mapping[str, Tensor]
    memory: Mapping[str, Any]


def save(state: State, path: Path) -> None:
    """Write the checkpoint as a whole or not at all: a process that dies leaves the one before."""
    plain = {name: tuple(memory) for name, memory in state.memory.items()}
    try:
        with replacing(path) as part:
            torch.save({"step": state.step, "parameters": dict(state.parameters), "memory": plain}, part)
    except OSError as error:
        raise ValueError(f"--checkpoint {path}: {error.strerror or error}") from None


def load(path: Path, optimiser: str, place: torch.device) -> State:
    """A checkpoint that save wrote; weights_only, so that a file can hold numbers but no code."""
    try:
        found = torch.load(path, weights_only=True, map_location=place)
        kind = OPTIMISERS[optimiser][1]
        memory = {name: kind(*values) for name, values in found["memory"].items()}
        return State(found["step"], found["parameters"], memory)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except Exception:  # torch.load raises whatever the bytes lead it to
        raise ValueError(f"{path}: expected a checkpoint of data_parallel.py with {optimiser}") from None
