"""Kinks inside of an operation: the derivative a little beside the point, where no decision is seen.

A comparison that a reference writes out is seen and held (sides.py). What an operation compares within itself
(PReLU its input with 0, a distance its terms, a hinge its margin) is not, nor is each window of a pooling
turned by itself. So the reference is evaluated beside the point, too: by what a gradient changes there,
beyond what so small a step explains, the kink jumps.
"""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.rounding.roundings import FINE, unit

STEP = 2.0 * unit(torch.float64)
"""How far each input is moved, in parts of itself and in the mean: what is equal turns."""
JUMP = 2.0**20
"""Bounds of float64. Rounding moves every result as much as such a step moves the inputs: no smooth gradient
changes by so much but where its condition is a million, and few kinks change it by less."""
FIRST, MANY, SOME, NUMBERS = 4, 128, 16, 2**22
"""Evaluations: after the first a gradient without any jump is taken for smooth; then many, as each kink turns
by itself (one of nine is the largest in two of nine pairs, and in none of all with a probability of 1e-7),
but some where all inputs of all of them are more numbers than these."""
FEW = 4096
"""Numbers of which decisions are mixed, too."""
GROWN = 1.5
"""So many times as large, or more, is what a step of twice the length changes where nothing turns."""
NEXT_TO_ZERO = 2.0**-100


class Side(NamedTuple):
    """The reference on one side of the kinks; what changes by no more than so many bounds is no jump."""

    movement: Movement
    least: float = 0.0

    def values(self, name: str, here: Tensor, bound: Tensor) -> Tensor:
        """A gradient there, and where it does not jump, the one from here."""
        return self.jumping(self.movement.expected[name] - here, bound) + here

    def jumping(self, off: Tensor, bound: Tensor) -> Tensor:
        """Of differences those that are a jump; 0 for the others."""
        return torch.where(off.abs() > self.least * bound, off, 0.0)


def beside(here: Movement) -> list[Side]:
    """The sides that the reference has beside the point; none where the first evaluations do not jump.

    What is equal in a coarser precision alone is no kink here: such decisions turn where they are seen.
    """
    return all_beside(here, some_beside(here, first_beside(here)))


def first_beside(here: Movement) -> list[Side]:
    """The first of these."""
    return list(_sides(here, range(FIRST), surely=True))


def some_beside(here: Movement, first: list[Side]) -> list[Side]:
    """These, and those that are looked at however many numbers there are."""
    return first + list(_sides(here, range(FIRST, SOME)) if first else ())


def all_beside(here: Movement, some: list[Side]) -> list[Side]:
    """These, and the rest."""
    size = sum(value.numel() for value in here.inputs.values())
    most = min(MANY, max(SOME, NUMBERS // max(size, 1)))
    return some + list(_sides(here, range(SOME, most)) if some else ())


def _sides(here: Movement, seeds: range, surely: bool = False) -> Iterator[Side]:
    least = least_jump(here)
    for seed in seeds:
        with discarded():
            # In pairs that move to opposite sides: what turns by itself is on either side in one of them.
            pair, towards = seed // 2, (1.0, -1.0)[seed % 2]
            side = Side(_there(here, pair, towards), least)
            jumps = {
                name: side.jumping(side.movement.expected[name] - value, here.bound(name))
                for name, value in here.expected.items()
            }
            if not any(bool(jump.any()) for jump in jumps.values()):
                continue
            if not surely or _stay(jumps, here, _there(here, pair, 2.0 * towards)):
                yield side


def _stay(jumps: Tensors, here: Movement, farther: Movement) -> bool:
    """Whether one of the jumps is no larger where the step is twice as large, as what grows from 0 is."""
    for name, jump in jumps.items():
        twice = farther.expected[name] - here.expected[name]
        if bool(((jump != 0) & ~(twice.abs() > GROWN * jump.abs())).any()):
            return True
    return False


def _there(here: Movement, seed: int, steps: float) -> Movement:
    there = Movement(here.reference, _aside(here, seed, steps))
    there.coarsest, there.dtypes, there.in_float64 = here.coarsest, here.dtypes, True
    return there


def least_jump(here: Movement) -> float:
    """How many bounds a jump is; inside of a kernel for 16 bits roundings are those of float32."""
    return JUMP * unit(torch.float64) / min(unit(here.coarsest), unit(FINE))


def _aside(here: Movement, seed: int, steps: float) -> Tensors:
    generator = torch.Generator("cpu").manual_seed(seed)
    return {
        name: _moved(value, generator, steps) if name in here.expected else value
        for name, value in here.exact_inputs.items()
    }


def _moved(value: Tensor, generator: torch.Generator, steps: float) -> Tensor:
    """The value a little aside, by a rounding at least; a zero, which is none from anything, too."""
    if not value.is_floating_point():
        return value
    number = torch.randn(value.shape, generator=generator, dtype=value.dtype, device="cpu").to(value.device)
    number += number.sign()
    return value + steps * number * torch.where(value == 0, NEXT_TO_ZERO, value.abs() * STEP)


@contextlib.contextmanager
def discarded() -> Iterator[None]:
    """A run that raises an error, as where an index turns to one that is not there, is none."""
    try:
        yield
    except Exception as error:
        if hasattr(type(error), "ends_the_check"):
            raise
