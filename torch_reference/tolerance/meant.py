"""What a whole check means: what it allows besides rounding, and what it knows already of each point.

Ways of calling that share a point share its exact values and its bounds.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from torch_reference.comparison import Verdict
from torch_reference.tolerance.movement import Reference, Tensors
from torch_reference.tolerance.rounding.roundings import forget_numbers
from torch_reference.tolerance.verdicts import Tolerance

ACCEPTABLE = (Verdict.LOSES_DIGITS.value, Verdict.INCONCLUSIVE.value)

MOST = 6
"""So many points are remembered: those of the ways of calling, with their outputs."""


@dataclass(frozen=True)
class Known:
    """What was asked at one point: of what, for which names, and the answer."""

    owner: object
    what: Any
    names: Collection[str]
    point: Tensors
    tolerance: Tolerance


@dataclass(frozen=True)
class Meant:
    """The relative error that is allowed besides rounding, and the verdicts that count as agreement."""

    rtol: float = 0.0
    accept: Collection[str] = ()
    known: list[Known] | None = None


_meant: ContextVar[Meant] = ContextVar("meant", default=Meant())  # noqa: B039 (it is frozen)


@contextmanager
def meant(rtol: float = 0.0, accept: Collection[str] = ()) -> Iterator[None]:
    """Judge with these allowances in here, and share what is known of each point.

    Errors: ValueError for an rtol below 0 or no number, and for a verdict that cannot be accepted
    """
    if not isinstance(rtol, Real) or not 0 <= rtol < float("inf"):
        raise ValueError(f"rtol: expected a number of 0 or more, found {rtol!r}")
    verdicts = (accept,) if isinstance(accept, str) else tuple(accept)
    for verdict in verdicts:
        if verdict not in ACCEPTABLE:
            known = ", ".join(map(repr, ACCEPTABLE))
            raise ValueError(f"accept: expected some of {known}, found {verdict!r}")
    token = _meant.set(Meant(rtol, verdicts, []))
    try:
        yield
    finally:
        _meant.reset(token)
        forget_numbers()


def allowances() -> Meant:
    """What the check in progress means; nothing where none is."""
    return _meant.get()


def tolerance_at(
    owner: object, what: Any, names: Collection[str], reference: Reference, point: Tensors
) -> Tolerance:
    """What is known of a reference at a point: found where it was asked before in the same check.

    The reference is known by its owner and by what of it is asked; the point, by its numbers.
    """
    known = _meant.get().known
    for one in known or ():
        is_asked = one.owner is owner and one.what == what and set(names) <= set(one.names)
        if is_asked and _same(one.point, point):
            return one.tolerance
    tolerance = Tolerance(reference, point)
    if known is not None:
        known.append(Known(owner, what, tuple(names), dict(point), tolerance))
        del known[:-MOST]  # a diagnosis asks at many points, once each
    return tolerance


def _same(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)


def _alike(one: Tensor, other: Tensor) -> bool:
    if one is other:
        return True
    if one.dtype != other.dtype or one.shape != other.shape or one.device != other.device:
        return False
    return torch.equal(one, other)
