"""A pair's outputs at other points: compared where they are finite, and inputs about as large as those given.

An assignment's softmax overflows where others do not, and is none the less right.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch

from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.nests import tensors_of
from torch_reference.judging.calls.plain_numbers import as_tensors
from torch_reference.judging.scalar_objective import UPSTREAM
from torch_reference.tolerance.differences import is_number

MANY_TIMES = 16
"""Inputs so many times as large, or as small, as those given are of another scale."""


def to_be_compared(
    outputs: Mapping[str, Any],
    known: Mapping[str, Any] | None,
    point: Tensors,
    given: Tensors,
    largest: float,
) -> dict[str, Any]:
    """The outputs, with plain numbers as tensors; none of another scale, nor those that are what is known.

    Shapes: largest is the largest size among the given inputs
    """
    above = {name.removeprefix(UPSTREAM): value for name, value in given.items() if name.startswith(UPSTREAM)}
    made: dict[str, Any] = as_tensors(outputs, above, next(iter(given.values())))
    tensors = tensors_of(made)
    if known is not None:
        before = tensors_of(as_tensors(known, above, next(iter(given.values()))))
        is_same = tensors.keys() == before.keys() and all(map(torch.equal, tensors.values(), before.values()))
        return {} if is_same else made
    are_finite = all(bool(value.isfinite().all()) for value in tensors.values())
    return made if are_finite and _is_ordinary(largest_input(point), largest) else {}


def _is_ordinary(here: float, there: float) -> bool:
    return here <= MANY_TIMES * there and there <= MANY_TIMES * here


def finite_sizes(values: Tensors) -> dict[str, float]:
    """The largest size of each, where it is a number.

    >>> finite_sizes({"y": torch.tensor([-2.0, 1.0]), "z": torch.tensor([math.inf]), "none": torch.zeros(0)})
    {'y': 2.0}
    """
    sizes = {
        name: float(value.detach().abs().amax())
        for name, value in values.items()
        if is_number(value) and value.numel()
    }
    return {name: size for name, size in sizes.items() if math.isfinite(size)}


def largest_input(point: Tensors) -> float:
    """The largest size among the inputs; infinite where a mask is."""
    inputs = [value for name, value in point.items() if not name.startswith(UPSTREAM)]
    sizes = [value.detach().abs().amax() for value in inputs if value.is_floating_point() and value.numel()]
    return float(torch.stack([size.double() for size in sizes]).amax()) if sizes else 0.0
