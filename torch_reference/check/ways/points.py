"""Other points near the given one, with what hides or reveals: zeros, ties, equal rows, scales.

A point outside the reference's domain, where it raises or is not finite, is discarded by who judges it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor

from torch_reference.check.ways.elsewhere.domain import is_smooth
from torch_reference.check.ways.elsewhere.resizing import is_cut_alike
from torch_reference.check.ways.elsewhere.unwritten import unwritten_is_nan
from torch_reference.check.ways.near import (
    SPREAD,
    near,
    near_and_equal,
    near_and_symmetric,
    times,
)
from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.check.ways.upstreams import first_row
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.cuts import Survived
from torch_reference.judging.calls.quiet import unwarned
from torch_reference.judging.calls.raised_errors import UserCodeError, is_out_of_range
from torch_reference.judging.derivation_task import is_one_number, is_symmetric
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.judging.upstream_gradients import drawn_upstream
from torch_reference.layers.own_generator import own_generator
from torch_reference.tolerance.rows.by_rows import INDICES

NEARER = (1.0, 0.1, 0.01)
"""How near the given inputs others are drawn, in parts of the usual."""

Change = Callable[[Tensor, torch.Generator], Tensor]


def redrawn(session: Session) -> Iterator[Attempt]:
    """Every number near what it was, none at a corner, gains other than 1 and offsets other than 0.

    Where all numbers of an input are one and the reference has a kink there, as where all are equal and the
    largest is taken, they stay equal: of what the function makes of others, which it was not given, a report
    warns.
    """
    if any(map(is_symmetric, session.inputs.values())):
        yield from changed(session, "at inputs redrawn near them, symmetric as they were", near_and_symmetric)
    yield from _with_single_numbers(session)
    equal = any(is_one_number(session.point[name]) for name in session.wanted)
    if not equal or is_smooth(session, session.point):
        yield from _near(session)
        return
    yield from changed(session, "at inputs redrawn near them, equal as they were", near_and_equal, True)
    for attempt in changed(session, "where its inputs are no longer equal", near):
        yield attempt._replace(warns=True)


def _near(session: Session) -> Iterator[Attempt]:
    """At inputs near the given ones; where the reference takes none, nearer ones, then with constants kept.

    A probability may be no larger than 1, and a target of 1 no larger than it is.
    """
    constants = tuple(name for name in session.inputs if name not in session.wanted)
    lost = ", no longer symmetric" if any(map(is_symmetric, session.inputs.values())) else ""
    for stay, nearer in product(((), constants), NEARER):
        change = partial(near, spread=SPREAD * nearer)
        attempts = list(changed(session, f"at inputs redrawn near them{lost}", change, stay=stay))
        yield from attempts
        if attempts:
            return


def _with_single_numbers(session: Session) -> Iterator[Attempt]:
    """Single numbers that are 0 or 1, and whose gradient is asked for: they are no truth values."""
    single = {
        name: value + 0.25
        for name, value in session.inputs.items()
        if name in session.wanted and value.numel() == 1 and value.item() in (0, 1)
    }
    if single:
        told = "where a single number is neither 0 nor 1"
        yield from at_point(session, told, {**session.inputs, **single})


def with_equals(session: Session) -> Iterator[Attempt]:
    """All values of a row equal, where nothing is left beside their mean; then all rows equal."""
    for attempt in changed(session, "at equal inputs in each row", _equal_in_rows):
        yield attempt._replace(roughly=True)
    yield from changed(session, "at equal rows, expanded", lambda value, generator: first_row(value))


def with_scales(session: Session) -> Iterator[Attempt]:
    """Inputs a thousand times as small, and as large; parameters stay, and a constant number, as an eps."""
    options = (n for n, each in session.inputs.items() if n not in session.wanted and each.numel() == 1)
    stay = (*options, *filter(None, [session.of_parameters]))
    for scale in (1e-3, 1e3):
        yield from changed(session, f"at inputs times {scale:g}", partial(times, scale), stay=stay)


def changed(
    session: Session,
    what: str,
    change: Change,
    at_kinks: bool = False,
    stay: tuple[str, ...] = (),
) -> Iterator[Attempt]:
    """At a point of which each input is changed, but for tables and those whose names begin so."""
    generator = own_generator(0)
    point = {
        name: value if _is_table(session, name) or name.startswith(stay) else change(value, generator)
        for name, value in session.inputs.items()
    }
    for attempt in at_point(session, what, point, at_kinks):
        # What reads one triangle, as a Cholesky factor is made, is another function of what has two.
        yield attempt._replace(resized=attempt.resized or any(map(is_symmetric, session.inputs.values())))


def at_point(session: Session, what: str, inputs: Tensors, at_kinks: bool = False) -> Iterator[Attempt]:
    """The attempt there, with upstream gradients of the shapes that the outputs have there."""
    try:
        resized = any(value.shape != session.inputs[name].shape for name, value in inputs.items())
        with unwarned():  # this call is ours
            outputs, depends = session.objective.looked_at(inputs, session.wanted, resized=resized)
            if resized and not is_cut_alike(session, inputs):
                return
        above = drawn_upstream(outputs, seed=1)
    except (UserCodeError, ValueError):
        return
    point = {**inputs, **above}
    if (refusal := _out_of_range(session, inputs)) is not None:
        yield Attempt(what, point, partial(_raise, refusal))
        return
    if depends and all(value.isfinite().all() for value in outputs.values()):
        attempt = Attempt(what, point, partial(_there, session, point))
        yield attempt if at_kinks else attempt._replace(is_smooth=partial(is_smooth, session, point))


def of_those_finite(session: Session, attempt: Attempt) -> Attempt | None:
    """The same of those gradients alone that are finite at the reference; None where all are, or none.

    Of a power of 0 or of a negative number the derivative by the exponent is no number; by the base it is.
    """
    own = attempt.session or session
    if attempt.point is session.point or attempt.objective is not None or attempt.only_finite:
        return None
    names = {name: tuple(attempt.point[name].shape) for name in own.wanted}
    try:
        found = reference_gradients(own.objective, attempt.point, names)
    except UserCodeError:
        return None
    finite = tuple(name for name, value in found.items() if value.isfinite().all())
    if not 0 < len(finite) < len(found):
        return None
    own = replace(own, wanted=finite)
    call, smooth = partial(_there, own, attempt.point), partial(is_smooth, own, attempt.point)
    # An error there may be of the derivative that is no number.
    return attempt._replace(session=own, call=call, is_smooth=smooth, may_refuse=True, on_error="refused")


def _there(session: Session, point: Tensors) -> Made:
    with unwritten_is_nan():
        return session.differentiated(point, within=Survived)


def _out_of_range(session: Session, inputs: Tensors) -> UserCodeError | None:
    """What the function says on a processor of indices that it does not take: they end the use of a GPU."""
    if all(value.is_cpu or value.dtype not in INDICES for value in inputs.values()):
        return None
    try:
        session.function.outputs({name: value.detach().cpu() for name, value in inputs.items()}, ())
    except UserCodeError as error:  # or that it does not run there
        return error if is_out_of_range(str(error)) else None
    return None


def _raise(error: UserCodeError) -> Any:
    raise error


def _is_table(session: Session, name: str) -> bool:
    """Whether it is a constant whose numbers may belong together: angles, weights of a window, positions.

    What hides what others show is moved: one number throughout, as a gain of ones, and a symmetric matrix.
    """
    value = session.inputs[name]
    is_moved = name in session.wanted or not value.is_floating_point()
    return not is_moved and value.numel() > 1 and not is_one_number(value) and not is_symmetric(value)


def _equal_in_rows(value: Tensor, _: torch.Generator) -> Tensor:
    if value.ndim > 1 or (value.ndim and value.is_floating_point()):
        return value[..., :1].repeat(*(1,) * (value.ndim - 1), value.shape[-1])
    return value  # one index throughout would leave the others without any
