"""Other options: flags the other way, other reductions, and other numbers than 0 and 1, which hide a mistake.

A stride, a number of groups, a slope or a cap of 0 or 1, and a flag that is not set, are what a function is
tried with first; what its backward forgets of them shows at others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec

from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.check.ways.sizes import MOST_WANTED
from torch_reference.judging.calls.holders import Opened
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.scalar_objective import reference_gradients

MOST = 8
"""So many options are changed, each alone."""
OTHERS: Mapping[type, Mapping[Any, tuple[Any, ...]]] = {
    bool: {False: (True,), True: (False,)},
    int: {0: (1,), 1: (2, 0)},
    float: {0.0: (0.25,), 1.0: (0.75,)},
    str: {"mean": ("sum", "none"), "sum": ("mean", "none"), "none": ("mean", "sum")},
}
"""What is tried in place of a value, where the reference takes that."""


def with_options(session: Session) -> Iterator[Attempt]:
    """Each flag, each number that is 0 or 1, and each reduction another, where the reference takes that.

    Only a backward can be wrong there: where the values are others, the function has another option in mind.
    What changes nothing of the reference may be anything, as a number of rows that a kernel believes.
    """
    if session.reference is None or len(session.wanted) > MOST_WANTED:
        return
    for place, others in islice(_places(session), MOST):
        name, given = session.arguments.names[place], session.arguments.leaves[place]
        for other in others:
            told = f"with {name} = {other!r} in place of {given!r}"
            yield from (attempt._replace(what=told) for attempt in _with(session, place, other))


def _places(session: Session) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The places of the options among the leaves, with what is tried there."""
    for place, (leaf, is_own) in enumerate(
        zip(session.arguments.leaves, _outside_of_objects(session.arguments.nest), strict=True)
    ):
        others = OTHERS[type(leaf)].get(leaf) if type(leaf) in OTHERS else None  # else it may have no hash
        if others and is_own:
            yield place, others


def _outside_of_objects(nest: TreeSpec) -> list[bool]:
    """For each leaf whether it is no attribute of an object, which may be its own state."""
    if nest.is_leaf():
        return [True]
    if nest.type is Opened:
        return [False] * nest.num_leaves
    return [is_own for child in nest.children() for is_own in _outside_of_objects(child)]


def _with(session: Session, place: int, other: Any) -> Iterator[Attempt]:
    leaves = (*session.arguments.leaves[:place], other, *session.arguments.leaves[place + 1 :])
    arguments = replace(session.arguments, leaves=leaves)
    function = replace(session.function, arguments=arguments)
    given = session.objective
    objective = replace(given, arguments=arguments, function=given.changing or given.function, forms=None)
    try:
        outputs, _ = objective.looked_at(session.inputs, session.wanted)
        objective, draws_numbers = objective.settled(session.inputs, outputs)
    except UserCodeError:
        return
    if draws_numbers and not session.draws_numbers:
        return  # as dropout with another probability than 0
    if not _is_read(session, objective, outputs):
        return
    there = replace(session, arguments=arguments, function=function, objective=objective)
    for attempt in at_point(there, "", session.inputs):
        yield attempt._replace(session=there, own_values=True, may_refuse=True, on_error="warns")


def _is_read(session: Session, objective: FunctionObjective, outputs: Mapping[str, Tensor]) -> bool:
    """Whether the option changes anything of the reference."""
    before, _ = session.objective.looked_at(session.inputs, session.wanted)
    if not _are_equal(before, outputs):
        return True
    names = {name: tuple(session.point[name].shape) for name in session.wanted}
    given = reference_gradients(session.objective, session.point, names)
    return not _are_equal(given, reference_gradients(objective, session.point, names))


def _are_equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())
