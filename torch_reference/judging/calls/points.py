"""What a point holds, by what names, and how a call on it is made repeatable."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

Tensors = Mapping[str, Tensor]
UPSTREAM = "d_loss_d_"
"""Prefix of the upstream gradients in a point."""
VALUE = "value_of_"
"""Prefix of the values that stand behind the cuts."""


def weighted(upstream: Tensor, output: Tensor) -> Tensor:
    """⟨upstream, output⟩, unseen by the modes that count and move roundings.

    The sum is ours: no derivation takes it, and no rounding of it reaches a gradient.
    """
    with _disable_current_modes():
        return (upstream * output).sum()


def shifted(value: Tensor, shift: Tensor) -> Tensor:
    """The value plus the shift, unseen by these modes, too: what is added is zero, or ours."""
    with _disable_current_modes():
        return value + shift


def as_tuple(values: Any) -> tuple[Any, ...]:
    """One value or several, as several."""
    return tuple(values) if isinstance(values, tuple | list) else (values,)


def network_inputs(point: Tensors) -> tuple[Tensor, ...]:
    """The module's arguments, in order."""
    return tuple(value for name, value in point.items() if name == "inputs" or name.startswith("inputs["))


@contextmanager
def same_random_numbers(state: Tensor | None) -> Iterator[None]:
    """Draw from this state in here, or from wherever torch stands for None; afterwards all is as it was."""
    with torch.random.fork_rng(devices=[]):
        if state is not None:
            torch.set_rng_state(state)
        yield
