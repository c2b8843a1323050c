"""Upstream gradients that a training makes: zero, expanded, missing, very large and very small."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.scalar_objective import UPSTREAM

FARTHEST, SPARE = 1000, 4
"""Powers of two: more than there are, and what the numbers between input and gradient may need besides."""


def zero(session: Session) -> Iterator[Attempt]:
    """All of them zero: the gradients are, too."""
    point = _with_upstream(session, torch.zeros_like)
    yield Attempt("with an upstream gradient of zero", point, partial(session.differentiated, point))


def expanded(session: Session) -> Iterator[Attempt]:
    """One number for all elements, with strides of zero, as sum() makes it; then one row for all rows."""
    everywhere = _with_upstream(session, lambda value: value.flatten()[:1].sum().expand(value.shape))
    yield Attempt(
        "with an expanded upstream gradient", everywhere, partial(session.differentiated, everywhere)
    )
    if any(value.ndim > 1 and len(value) > 1 for value in session.upstream.values()):
        rows = _with_upstream(
            session, lambda value: value[:1].expand(value.shape) if value.ndim > 1 else value
        )
        yield Attempt(
            "with an upstream gradient expanded over rows", rows, partial(session.differentiated, rows)
        )


def first_row(value: Tensor) -> Tensor:
    """The first row for all rows, with a stride of zero."""
    return value[:1].expand(value.shape) if value.ndim > 1 and len(value) else value


def missing(session: Session) -> Iterator[Attempt]:
    """None for every output but one, as where a loss uses only that one."""
    if session.graph is None or len(session.upstream) < 2:
        return
    for name in session.upstream:
        point = {**session.inputs, name: session.point[name]}
        what = f"when only {name.removeprefix(UPSTREAM)} is used"
        yield Attempt(what, point, partial(session.differentiated, point))


def scaled(session: Session) -> Iterator[Attempt]:
    """Multiplied by powers of two, by which the gradients are divided again: no digit may change."""
    powers = {torch.float64: 40, torch.float32: 20, torch.bfloat16: 20, torch.float16: 3}
    dtypes = [value.dtype for value in session.point.values() if value.is_floating_point()]
    power = min(powers.get(dtype, 3) for dtype in dtypes)
    up, down = (min(power, room) for room in _room(session))
    if up > 0:
        call = partial(_scaled, session, 2.0**up)
        yield Attempt("with a very large upstream gradient", session.point, call)
    if down > powers[torch.float16]:  # else it would be rounded to a subnormal number
        call = partial(_scaled, session, 2.0**-down)
        yield Attempt("with a very small upstream gradient", session.point, call)


def _room(session: Session) -> tuple[int, int]:
    """By how many powers of two the gradients may grow and shrink, and neither overflow nor lose digits."""
    up, down = FARTHEST, FARTHEST
    for value in (*session.upstream.values(), *session.plain.gradients.values()):
        if not value.is_floating_point():
            continue
        sizes = value.detach().abs()
        sizes = sizes[sizes.isfinite() & (sizes > 0)].double()
        if sizes.numel():
            info, largest, least = torch.finfo(value.dtype), float(sizes.max()), float(sizes.min())
            up = min(up, int(math.log2(info.max) - math.log2(largest)) - SPARE)
            down = min(down, int(math.log2(least) - math.log2(info.tiny)) - SPARE)
    return up, down


def _scaled(session: Session, factor: float) -> Made:
    made = session.differentiated(_with_upstream(session, lambda value: value * factor))
    return Made(made.outputs, {name: value / factor for name, value in made.gradients.items()})


def _with_upstream(session: Session, change: Callable[[Tensor], Tensor]) -> Tensors:
    return {**session.inputs, **{name: change(value) for name, value in session.upstream.items()}}
