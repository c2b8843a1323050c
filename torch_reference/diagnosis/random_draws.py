"""What a diagnosis is made from: random points, and what the derivation returned there."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.judging.scalar_objective import Tensors


class Draw(NamedTuple):
    """One random point: what the derivation returned there, and what it should have returned."""

    point: Tensors
    before: Tensors
    origin: Tensors
    manual: Tensors
    reference: Tensors
    cuts: Sequence[str]
    batch: int


Candidate = Callable[[Draw], Tensor | None]
"""What a derivation that makes a certain mistake would return; None where it cannot be made."""


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two gradients are the same to half of their digits."""
    if a.shape != b.shape or a.device != b.device:
        return False
    return not bool(differs(a, b).any())


def differs(a: Tensor, b: Tensor) -> Tensor:
    """At which elements two gradients of one shape differ within half of their digits, or are NaN."""
    closeness = torch.finfo(a.dtype).eps ** 0.5
    a, b = a.double(), b.double()
    return ~((a - b).abs() <= closeness * torch.maximum(a.abs(), b.abs()))
