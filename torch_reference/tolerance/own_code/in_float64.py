"""What the code that is judged makes of its inputs in float64."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.tolerance.differences import adds_up, is_number
from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.rounding.moved_run import HALF
from torch_reference.tolerance.rounding.own_run import ExactOwnRun

Derive = Callable[[Tensors], Mapping[str, Tensor]]


class Exact(NamedTuple):
    """What the code makes in float64, what is right there, and whether it has numbers of its own in 16 bits.

    Where both are infinite, or no number, there is 0.
    """

    found: Tensors
    right: Tensors
    has_tables: bool


def in_float64(asked: list[str], movement: Movement, derive: Derive) -> Exact:
    """What the code makes in float64 of what is asked for, where that has the right form."""
    run = ExactOwnRun()
    try:
        with run:
            made = derive(movement.exact_inputs)
    except Exception:  # it is the user's code, made for 16 bits
        return Exact({}, {}, False)
    found, right = {}, {}
    for name in () if run.writes_narrow else asked:
        value, expected = made.get(name), movement.expected[name]
        if (
            value is not None
            and value.shape == expected.shape
            and is_number(value)
            and value.dtype not in HALF
        ):
            value = value.detach().to(expected.dtype)
            if torch.equal(value.isfinite(), expected.isfinite()):
                found[name], right[name] = numbers(value, expected), numbers(expected, expected)
    return Exact(found, right, run.reads_narrow)


def numbers(value: Tensor, expected: Tensor) -> Tensor:
    """The value, and 0 where what is expected is no number."""
    return value if adds_up(expected) else value.where(expected.isfinite(), 0.0)
