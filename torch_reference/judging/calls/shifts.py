"""Zeros that are added to values, by which these are differentiated; whoever counts roundings sees none."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from torch_reference.judging.calls.points import UPSTREAM, Tensors, unseen


def zero_shifts(
    point: Tensors, names: Mapping[str, Sequence[int]], cuts: Sequence[str] = ()
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(a shift for everything named, by which is differentiated; these and those behind the cuts).

    Shapes: names maps each name to that of its shift
    """
    # Zeros that take no memory: they are read, and never written.
    leaves = {
        name: zeros(point, name, ()).expand(tuple(shape)).requires_grad_() for name, shape in names.items()
    }
    # Behind a cut there is always a shift: its output is a constant otherwise.
    behind = {name: torch.zeros_like(point[UPSTREAM + name]) for name in cuts if name not in leaves}
    return leaves, {**leaves, **behind}


def shifted(value: Tensor, shift: Tensor) -> Tensor:
    """The value plus the shift, unseen by these modes, too: what is added is zero, or ours."""
    with unseen():
        return value + shift


def all_shifted(values: Tensors, shifts: Tensors) -> dict[str, Tensor]:
    """Each value plus its shift, where it has one."""
    with unseen():
        return {name: value + shifts[name] if name in shifts else value for name, value in values.items()}


def zeros(point: Tensors, name: str, shape: Sequence[int]) -> Tensor:
    """A shift: zeros in the dtype of what it is added to, which is the first one for a submodule's output."""
    like = next(value for value in point.values() if value.is_floating_point())
    return point.get(name, like).new_zeros(tuple(shape))
