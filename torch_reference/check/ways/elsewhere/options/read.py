"""Whether the reference reads an option, and another number that means the same to it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from torch_reference.check.ways.elsewhere.resizing import are_equal, has_the_same_values
from torch_reference.check.ways.session import Session
from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.cuts import Calls
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.scalar_objective import reference_gradients


def counted_from_the_end(
    session: Session, given: Any, with_another: Callable[[Any], Arguments]
) -> Iterator[int]:
    """A dimension, or an index, as a negative number that means the same to the reference, if not all do."""
    if type(given) is not int or given < 0:
        return
    values = [value for value in session.inputs.values() if value.is_floating_point()]
    dims = [value.ndim for value in (*values, *session.upstream.values())]
    counts = [*dims, *(length for value in values for length in value.shape)]
    with Calls() as before:
        has_the_same_values(session, session.inputs)

    def means_the_same(other: int) -> bool:
        with Calls() as now:
            is_same = has_the_same_values(
                session, session.inputs, objective_with(session, with_another(other))
            )
        # As a place in a list of Python's it is a word rather, of which others may be no words.
        return is_same and now.integers[other] > before.integers[other]

    if not all(map(means_the_same, (given + 1, given - 1))):
        below = (given - count for count in dict.fromkeys(counts) if given < count)
        yield from islice(filter(means_the_same, below), 1)


def objective_with(session: Session, arguments: Arguments) -> FunctionObjective:
    """The reference with these arguments."""
    given = session.objective
    return replace(given, arguments=arguments, function=given.changing or given.function, forms=None)


def is_read(session: Session, objective: FunctionObjective, inputs: Tensors) -> bool:
    """Whether the option changes anything of the reference."""
    if changes_outputs(session, objective, inputs):
        return True
    names = {name: tuple(inputs[name].shape) for name in session.wanted}
    point = {**session.upstream, **inputs}
    given = reference_gradients(session.objective, {name: point[name] for name in session.point}, names)
    return not are_equal(given, reference_gradients(objective, point, names))


def changes_outputs(session: Session, objective: FunctionObjective, inputs: Tensors) -> bool:
    """Whether it changes what the reference returns: a function that returns the same has it in mind."""
    before, _ = session.objective.looked_at({name: inputs[name] for name in session.inputs}, session.wanted)
    after, _ = objective.looked_at(inputs, session.wanted)
    return not are_equal(before, after)
