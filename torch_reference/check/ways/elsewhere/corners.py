"""Points that padding and beginnings make: rows of zeros, unit vectors, identity matrices."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from torch_reference.check.ways.elsewhere.domain import is_inside
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Made, Session


def at_zero_rows(session: Session) -> Iterator[Attempt]:
    """A row of zeros, then nothing but zeros, in each input alone.

    At a kink, as the norm has one there, several gradients are right: any that is finite where the
    reference's is. Elsewhere each number is judged. Of a vector beside rows, as a gain is one, the one zero
    is among those of its unit vectors.
    """
    most = max((session.point[name].ndim for name in session.wanted), default=0)
    for name in session.wanted:
        value = session.point[name]
        if value.ndim and len(value) and (value.ndim > 1 or most == 1):
            row = value.clone()
            row[0] = 0
            yield from _at(session, f"at a row of zeros in {name}", name, row)
        yield from _at(session, f"at nothing but zeros in {name}", name, torch.zeros_like(value))


def at_units(session: Session) -> Iterator[Attempt]:
    """Unit vectors, or identity matrices, in each input alone: where rotations and transformations begin.

    Of another direction in each row, as a pole is one: the first, the last, and those before that.
    """
    for name in session.wanted:
        value = session.point[name]
        if not value.ndim or not value.numel() or value.shape[-1] < 2:
            continue
        for begin in (0,) if value.numel() >= 2 * value.shape[-1] else (0, 1):
            yield from _at(session, f"at unit vectors in {name}", name, _units(value, begin))
        if value.ndim > 1 and value.shape[-1] == value.shape[-2]:
            eye = torch.eye(value.shape[-1], dtype=value.dtype, device=value.device)
            identities = eye.expand(value.shape).contiguous()
            yield from _at(session, f"at identity matrices in {name}", name, identities)


def _units(value: Tensor, begin: int) -> Tensor:
    units = torch.zeros_like(value, memory_format=torch.contiguous_format)
    rows = units.view(-1, value.shape[-1])
    place = torch.arange(len(rows), device=value.device)
    rows[place, -(begin + place) % value.shape[-1]] = 1
    return units


def _at(session: Session, what: str, name: str, value: Tensor) -> Iterator[Attempt]:
    """There, whatever is finite; then each number, of what the same call made."""
    for attempt in at_point(session, what, {**session.inputs, name: value}):
        first, second = _kept(attempt.call)
        inside = partial(is_inside, session, name, attempt.point)
        yield attempt._replace(call=first, only_finite=True, is_smooth=inside)
        told = attempt._replace(what=f"{what}, number by number", call=second)
        yield told._replace(
            only_smooth=True, own_values=True, may_refuse=True, roughly=True, on_error="warns"
        )


def _kept(call: Callable[[], Made]) -> tuple[Callable[[], Made], Callable[[], Made]]:
    """(the call; what it made, once, and then the call again)."""
    made = list[Made]()

    def first() -> Made:
        made[:] = [call()]
        return made[0]

    return first, lambda: made.pop() if made else call()
