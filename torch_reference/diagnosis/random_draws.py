"""What a diagnosis is made from: random points, and what the derivation returned there."""

import cmath
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.judging.derivation_task import Task, normal
from torch_reference.judging.scalar_objective import Tensors
from torch_reference.layers.own_generator import own_generator

MOST_REMEMBERED = 20_000
"""So many elements all gradients together may have for those with a mistake to be remembered."""


class Draw(NamedTuple):
    """One random point: what the derivation returned there, and what it should have returned."""

    point: Tensors
    before: Tensors
    origin: Tensors
    manual: Tensors
    reference: Tensors
    cuts: Sequence[str]
    batch: int
    remembered: dict[Hashable, Tensors | None]
    """What references with a mistake gave: all names at once, and the names are diagnosed one by one."""
    spent: list[int]
    """How many operations each of these runs had."""
    recorded: list[Any]
    """The calls of the forward pass and the tensors that they met, once they were asked for."""

    @property
    def is_small(self) -> bool:
        """Whether all gradients together are few enough to be remembered for one mistake after another."""
        return sum(value.numel() for value in self.reference.values()) <= MOST_REMEMBERED


Candidate = Callable[[Draw], Tensor | None]
"""What a derivation that makes a certain mistake would return; None where it cannot be made."""


SAMPLE = 64
ROUNDINGS = 64.0
"""So many eps of its largest element no gradient tells from another: some of its elements cancel to that."""


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two gradients are the same to half of their digits, or within roundings of the largest."""
    if a.shape != b.shape or a.device != b.device:
        return False
    if not a.ndim:  # the same without ten operations of torch: most candidates are numbers
        return _close(a.item(), b.item(), torch.finfo(a.dtype).eps ** 0.5)
    eps, step = torch.finfo(a.dtype).eps, a.numel() // SAMPLE
    # Most are told apart by few numbers, in a fifth of the time.
    few = [(a.flatten()[::step], b.flatten()[::step])] if step > 1 else []
    for one, other in [*few, (a, b)]:
        off = differs(one, other)
        if not bool(off.any()):
            continue
        if ROUNDINGS * eps > eps**0.5:  # as in 16 bits
            return False
        near = ROUNDINGS * eps * torch.maximum(a.abs().amax(), b.abs().amax())
        if not bool(near.isfinite()) or bool((off & ~((one - other).abs() <= near)).any()):
            return False
    return True


def _close(a: complex, b: complex, closeness: float) -> bool:
    if a == b:
        return True
    return cmath.isfinite(a) and cmath.isfinite(b) and abs(a - b) <= closeness * max(abs(a), abs(b))


def differs(a: Tensor, b: Tensor) -> Tensor:
    """At which elements two gradients of one shape differ within half of their digits, or are NaN."""
    closeness = torch.finfo(a.dtype).eps ** 0.5
    a, b = a.double(), b.double()
    close = (a - b).abs() <= closeness * torch.maximum(a.abs(), b.abs())
    return ~((close & a.isfinite() & b.isfinite()) | (a == b))  # an infinity is like the same one only


def off_the_corners(task: Task, point: Tensors, seed: int) -> dict[str, Tensor]:
    """The point with no input at exactly 0 or 1: there a square is its own root, and x has no other power."""
    generator = own_generator(seed)
    found = dict(point)
    for name, value in point.items():
        if name in task.parameters or name == "targets" or not value.is_floating_point():
            continue
        moved = (
            value * torch.exp(0.4 * normal(value, generator)) + (value == 0) * normal(value, generator) / 2
        )
        found[name] = torch.where((value == 0) | (value == 1), moved, value)
    return found
