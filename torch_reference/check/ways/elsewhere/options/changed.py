"""Other options: flags the other way, other reductions, other numbers, something for None.

A stride, a number of groups, a slope or a cap of 0 or 1, the last dimension, a flag that is not set, and a
mask or a bias that is none, are what a function is tried with first; what its backward forgets of them shows
at others. So does a number that is written into it.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import torch

from torch_reference.check.ways.elsewhere.indices import repeated
from torch_reference.check.ways.elsewhere.options.fitting import halved
from torch_reference.check.ways.elsewhere.options.in_place_of_none import in_place_of_none
from torch_reference.check.ways.elsewhere.options.left_out import left_out
from torch_reference.check.ways.elsewhere.options.option import UNREAD, Option, options_of
from torch_reference.check.ways.elsewhere.options.other_inputs import Another, at_other_inputs
from torch_reference.check.ways.elsewhere.options.read import (
    changes_outputs,
    counted_from_the_end,
    is_read,
)
from torch_reference.check.ways.elsewhere.options.settled import is_resized, session_with, settled
from torch_reference.check.ways.elsewhere.options.together import together
from torch_reference.check.ways.elsewhere.options.values_in_place import other_values
from torch_reference.check.ways.elsewhere.resizing import takes
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.check.ways.sizes import MOST_WANTED
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.calls.really import is_tensor

MOST = 8
"""So many options are changed, each alone."""
MOST_ELSEWHERE = 12
"""So many other options are tried at other inputs, too."""
MOST_FOR_NONE = 4
"""So many things are tried in the place of one None, of those that the reference takes."""


def with_options(session: Session) -> Iterator[Attempt]:
    """Each flag, number, reduction and None another, where the reference takes that; then at other inputs.

    Those that the call leaves at their defaults, too, and several at once. Only a backward can be wrong
    there: where the values are others, the function has another option in mind. A number that changes nothing
    of the reference may be anything, as the rows that a kernel believes; of a flag that does not, and of a
    word, a report warns.
    """
    if session.reference is None or len(session.wanted) > MOST_WANTED:
        return
    taken: list[Another] = []
    for another, attempts in _others(session):
        yield from attempts
        taken += [another] if another else []
    yield from left_out(session)
    yield from together(session, taken)
    for another in taken[:MOST_ELSEWHERE]:
        yield from at_other_inputs(session, another)


def _others(session: Session) -> Iterator[tuple[Another | None, list[Attempt]]]:
    for option in islice(options_of(session), MOST):
        if option.given is None:
            found = (_with(session, option, other) for other in in_place_of_none(session))
            yield from islice((each for each in found if each[1]), MOST_FOR_NONE)
            continue
        for other in other_values(option.given):
            yield _with(session, option, other)
        for other in counted_from_the_end(session, option.given, partial(option.placed, session.arguments)):
            yield _with(session, option, other, is_the_same=True)


def _with(
    session: Session, option: Option, other: Any, is_the_same: bool = False
) -> tuple[Another | None, list[Attempt]]:
    """(it, where it is taken; the attempts at the given inputs, repeated indices, or half of a size).

    is_the_same says that it is known to be read, and to be another name of what was given.
    """
    tensors = {option.name: other} if is_tensor(other) else {}
    there = session_with(session, option.placed(session.arguments, other), tensors, option.is_shared)
    told = f"with {option.name} = {_told(other)} in place of {option.given!r}"
    is_of_another_kind = option.given is None or (type(option.given), type(other)) == (int, float)
    on_error = "fails" if is_the_same else "refused" if is_of_another_kind else "warns"
    is_of_another_sign = type(other) in (int, float) and other < 0 <= option.given and not is_the_same
    another, attempts = None, list[Attempt]()
    for inputs, what in _points(there, is_resized=type(other) is int):
        found = settled(session, there, inputs, option.given is None)
        if found is None:
            continue
        # A padding index of -2 is for many functions one that is never met; a shift of -2 they return. That a
        # slope or an eps is none of less than 0 is for who calls it to know.
        is_odd = is_of_another_sign and (type(other) is float or not _shows(session, found, inputs))
        if not what:
            is_nothing = type(other) in (int, float) and not other
            another = Another(found, told, on_error, option, other, is_odd, is_nothing)
        is_known = is_the_same or is_resized(there, inputs) or is_read(session, found.objective, inputs)
        if another and not what:
            another = another._replace(is_read=is_known)
        if not is_known and type(other) not in UNREAD:
            continue
        what = what if is_known else f" (which the reference does not read){what}"
        for attempt in at_point(found, f"{told}{what}", inputs):
            attempt = attempt._replace(session=found, own_values=True, may_refuse=True, on_error=on_error)
            attempts.append(attempt._replace(warns=attempt.warns or is_odd or not is_known))
    if another and attempts:  # whose upstream gradients are of other shapes, maybe
        another = another._replace(session=replace(another.session, point=attempts[0].point))
    return another, attempts


def _points(there: Session, is_resized: bool) -> Iterator[tuple[Tensors, str]]:
    yield there.inputs, ""
    if (found := repeated(there)) is not None:
        yield found, ", at repeated indices"
    if is_resized and not takes(there, there.inputs):
        fitting = (inputs for inputs in halved(there.inputs) if takes(there, inputs))
        yield from ((inputs, ", at half of a size") for inputs in islice(fitting, 1))


def _shows(session: Session, there: Session, inputs: Tensors) -> bool:
    """Whether the outputs show the option, where both are taken."""
    try:
        return changes_outputs(session, there.objective, inputs)
    except UserCodeError:
        return True


def _told(other: Any) -> str:
    if not is_tensor(other):
        return repr(other)
    kind = "truth values" if other.dtype == torch.bool else "numbers"
    return f"{kind} of shape {tuple(other.shape)}"
