"""Other options: flags the other way, other reductions, other numbers, something for None.

A stride, a number of groups, a slope or a cap of 0 or 1, the last dimension, a flag that is not set, and a
mask or a bias that is none, are what a function is tried with first; what its backward forgets of them shows
at others. So does a number that is written into it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch.utils._pytree import TreeSpec

from torch_reference.check.ways.elsewhere.indices import repeated
from torch_reference.check.ways.elsewhere.options.fitting import halved
from torch_reference.check.ways.elsewhere.options.in_place_of_none import in_place_of_none
from torch_reference.check.ways.elsewhere.options.left_out import left_out
from torch_reference.check.ways.elsewhere.options.other_inputs import Another, at_other_inputs
from torch_reference.check.ways.elsewhere.options.read import (
    changes_outputs,
    counted_from_the_end,
    is_read,
    objective_with,
)
from torch_reference.check.ways.elsewhere.options.unsaid import called_by_name, unsaid_options
from torch_reference.check.ways.elsewhere.options.values_in_place import other_values
from torch_reference.check.ways.elsewhere.resizing import takes
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.check.ways.sizes import MOST_WANTED
from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.holders import Opened
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.scalar_objective import UPSTREAM

MOST = 8
"""So many options are changed, each alone."""
UNREAD = (bool, str)
"""Another of these does no harm where the reference does not read it."""
MOST_ELSEWHERE = 12
"""So many other options are tried at other inputs, too."""
MOST_FOR_NONE = 4
"""So many things are tried in the place of one None, of those that the reference takes."""


class Option(NamedTuple):
    """An option by the name of its leaf, what it is, and the arguments with another in its place."""

    name: str
    given: Any
    with_another: Callable[[Any], Arguments]
    is_shared: bool = True  # with the reference


def with_options(session: Session) -> Iterator[Attempt]:
    """Each flag, number, reduction and None another, where the reference takes that; then at other inputs.

    Those that the call leaves at their defaults, too. Only a backward can be wrong there: where the values
    are others, the function has another option in mind. A number that changes nothing of the reference may be
    anything, as the rows that a kernel believes; of a flag that does not, and of a word, a report warns.
    """
    if session.reference is None or len(session.wanted) > MOST_WANTED:
        return
    taken: list[Another] = []
    for another, attempts in _others(session):
        yield from attempts
        taken += [another] if another else []
    yield from left_out(session)
    for another in taken[:MOST_ELSEWHERE]:
        yield from at_other_inputs(session, another)


def _others(session: Session) -> Iterator[tuple[Another | None, list[Attempt]]]:
    for option in islice(_options(session), MOST):
        if option.given is None:
            found = (_with(session, option, other) for other in in_place_of_none(session))
            yield from islice((each for each in found if each[1]), MOST_FOR_NONE)
            continue
        for other in other_values(option.given):
            yield _with(session, option, other)
        for other in counted_from_the_end(session, option.given, option.with_another):
            yield _with(session, option, other, is_the_same=True)


def _options(session: Session) -> Iterator[Option]:
    """Those among the leaves of the arguments, then those that are left at their defaults."""
    arguments = session.arguments
    own = _outside_of_objects(arguments.nest)
    for name, leaf, is_own in zip(arguments.names, arguments.leaves, own, strict=True):
        if is_own and _has_others(leaf):
            yield Option(name, leaf, partial(arguments.with_another, name))
    for is_shared in (True, False):
        for keyword, default in unsaid_options(session, is_shared).items():
            if _has_others(default) and (is_shared or type(default) in UNREAD):
                name = f"inputs[{keyword!r}]"
                yield Option(name, default, partial(arguments.with_keyword, keyword), is_shared)


def _has_others(leaf: Any) -> bool:
    return leaf is None or bool(other_values(leaf))


def _outside_of_objects(nest: TreeSpec) -> list[bool]:
    """For each leaf whether it is no attribute of an object, which may be its own state."""
    if nest.is_leaf():
        return [True]
    if nest.type is Opened:
        return [False] * nest.num_leaves
    return [is_own for child in nest.children() for is_own in _outside_of_objects(child)]


def _with(
    session: Session, option: Option, other: Any, is_the_same: bool = False
) -> tuple[Another | None, list[Attempt]]:
    """(it, where it is taken; the attempts at the given inputs, repeated indices, or half of a size).

    is_the_same says that it is known to be read, and to be another name of what was given.
    """
    arguments = option.with_another(other)
    there = called_by_name(session) if len(arguments.names) > len(session.arguments.names) else session
    function = replace(there.function, arguments=arguments)
    objective = objective_with(session, arguments if option.is_shared else session.arguments)
    point = {**session.point, **({option.name: other} if is_tensor(other) else {})}
    there = replace(there, arguments=arguments, function=function, objective=objective, point=point)
    told = f"with {option.name} = {_told(other)} in place of {option.given!r}"
    on_error = "fails" if is_the_same else "refused" if option.given is None else "warns"
    is_of_another_sign = type(other) in (int, float) and other < 0 <= option.given and not is_the_same
    another, attempts = None, list[Attempt]()
    for inputs, what in _points(there, is_resized=type(other) is int):
        settled = _settled(session, there, inputs, option.given is None)
        if settled is None:
            continue
        # A padding index of -2 is for many functions one that is never met; a shift of -2 they return. That a
        # slope or an eps is none of less than 0 is for who calls it to know.
        is_odd = is_of_another_sign and (type(other) is float or not _shows(session, settled, inputs))
        if not what:
            another = Another(settled, told, on_error, is_odd, type(other) in (int, float) and not other)
        is_known = is_the_same or _is_resized(there, inputs) or is_read(session, settled.objective, inputs)
        if not is_known and type(other) not in UNREAD:
            continue
        what = what if is_known else f" (which the reference does not read){what}"
        for attempt in at_point(settled, f"{told}{what}", inputs):
            attempt = attempt._replace(session=settled, own_values=True, may_refuse=True, on_error=on_error)
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


def _settled(session: Session, there: Session, inputs: Tensors, is_for_none: bool) -> Session | None:
    """The session with the option where the reference takes it; None elsewhere."""
    try:
        resized = _is_resized(there, inputs)
        outputs, _ = there.objective.looked_at(inputs, there.wanted, resized=resized)
        objective, draws_numbers = there.objective.settled(inputs, outputs)
    except UserCodeError:
        return None
    if draws_numbers and not session.draws_numbers:
        return None  # as dropout with another probability than 0
    if is_for_none and not _has_the_same_shapes(session, outputs):
        return None
    return replace(there, objective=objective)


def _is_resized(there: Session, inputs: Tensors) -> bool:
    return any(value.shape != there.inputs[name].shape for name, value in inputs.items())


def _shows(session: Session, there: Session, inputs: Tensors) -> bool:
    """Whether the outputs show the option, where both are taken."""
    try:
        return changes_outputs(session, there.objective, inputs)
    except UserCodeError:
        return True


def _has_the_same_shapes(session: Session, outputs: Tensors) -> bool:
    """Whether what was none is of the shape that was meant: else the outputs are broadcast."""
    known = {name.removeprefix(UPSTREAM): value.shape for name, value in session.upstream.items()}
    return all(known.get(name, value.shape) == value.shape for name, value in outputs.items())


def _told(other: Any) -> str:
    if not is_tensor(other):
        return repr(other)
    kind = "truth values" if other.dtype == torch.bool else "numbers"
    return f"{kind} of shape {tuple(other.shape)}"
