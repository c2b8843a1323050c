"""What the code that is judged makes of its inputs in float64."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.tolerance.differences import adds_up, is_number
from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.own_code.foreign import looking_for_foreign_code
from torch_reference.tolerance.own_code.own_run import ExactOwnRun
from torch_reference.tolerance.rounding.roundings import HALF, unit
from torch_reference.tolerance.second_look import COARSE, COARSE_DRAWS, CoarseRun

IN_FLOAT64 = 2.0**-47
"""A rounding of float64, 64 times."""

PERHAPS_NOISE = 2.0**-26
"""What is off by more than that part of the largest element is no rounding of float64."""

Derive = Callable[[Tensors], Mapping[str, Tensor]]


class Exact(NamedTuple):
    """What the code makes in float64, what is right there, and whether it has numbers of its own in 16 bits.

    Where both are infinite, or no number, there is 0. Decisions are those of the code. What is not seen may
    compute in float32 whatever it is given, as most kernels do.
    """

    found: Tensors
    right: Tensors
    has_tables: bool
    decisions: tuple[Any, ...] = ()
    is_unseen: bool = False


def in_float64(asked: list[str], movement: Movement, derive: Derive) -> Exact:
    """What the code makes in float64 of what is asked for, where that has the right form."""
    run = ExactOwnRun()
    try:
        with looking_for_foreign_code() as foreign, run:
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
    is_unseen = foreign.is_seen or foreign.shares_memory
    return Exact(found, right, run.reads_narrow, tuple(run.decisions.made), is_unseen)


def of_right_formula(
    names: Collection[str], movement: Movement, derive: Derive, kinks: Tensors | None = None
) -> list[str]:
    """Those of them that are right where the code runs in float64, to a rounding of their inputs.

    Shapes: kinks, those of some of them, are not 0 where an element lies at one, and any side is right
    """
    exact, own = in_float64([*names], movement, derive), unit(movement.coarsest)

    def is_right(name: str) -> bool:
        right = exact.right[name].abs()
        off, allowed = (exact.found[name] - exact.right[name]).abs(), own * right
        if kinks and name in kinks:
            off = off.where(kinks[name] == 0, 0.0)
        if bool((off <= allowed).all()):
            return True
        if off.amax() > PERHAPS_NOISE * right.amax():
            return False
        return bool((off <= allowed + noise_of_float64([name], exact, movement, derive)[name]).all())

    try:
        return [name for name in exact.found if is_right(name)]
    except Exception:  # it is the user's code, moved
        return []


def noise_of_float64(names: Iterable[str], exact: Exact, movement: Movement, derive: Derive) -> Tensors:
    """How far the roundings of float64 move what the code makes, and the reference: coarse ones show it.

    Those of the reference turn its decisions, too: torch's logcumsumexp decides by the sign of a gradient,
    and one of 0 would stay so where that is held.

    Errors: whatever the code raises, which it did not where nothing was moved
    """
    reach = {name: torch.zeros_like(exact.found[name]) for name in names}
    for seed in range(COARSE_DRAWS):
        with CoarseRun(seed, exact.decisions):
            made = derive(movement.exact_inputs)
        with CoarseRun(seed):
            right = movement.reference(movement.exact_inputs)
        for name, known in reach.items():
            for value, still in ((made[name].detach(), exact.found[name]), (right[name], exact.right[name])):
                moved = numbers(value, movement.expected[name]) - still
                reach[name] = known = torch.maximum(known, moved.abs())
    return {name: (each * IN_FLOAT64 / COARSE).nan_to_num(0.0, 0.0) for name, each in reach.items()}


def numbers(value: Tensor, expected: Tensor) -> Tensor:
    """The value, and 0 where what is expected is no number."""
    return value if adds_up(expected) else value.where(expected.isfinite(), 0.0)
