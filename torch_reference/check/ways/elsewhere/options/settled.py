"""The session of a call with other options, where the reference takes them."""

from dataclasses import replace

from torch_reference.check.ways.elsewhere.options.read import objective_with
from torch_reference.check.ways.elsewhere.options.unsaid import called_by_name
from torch_reference.check.ways.session import Session
from torch_reference.judging.calls.arguments import Arguments, Tensors
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.scalar_objective import UPSTREAM


def session_with(session: Session, arguments: Arguments, tensors: Tensors, is_shared: bool = True) -> Session:
    """The session of these arguments; the tensors among the options, and whether the reference has them."""
    there = called_by_name(session) if len(arguments.names) > len(session.arguments.names) else session
    function = replace(there.function, arguments=arguments)
    objective = objective_with(session, arguments if is_shared else session.arguments)
    point = {**session.point, **tensors}
    return replace(there, arguments=arguments, function=function, objective=objective, point=point)


def settled(session: Session, there: Session, inputs: Tensors, is_for_none: bool) -> Session | None:
    """The session with the options where the reference takes them; None elsewhere."""
    try:
        resized = is_resized(there, inputs)
        outputs, _ = there.objective.looked_at(inputs, there.wanted, resized=resized)
        objective, draws_numbers = there.objective.settled(inputs, outputs)
    except UserCodeError:
        return None
    if draws_numbers and not session.draws_numbers:
        return None  # as dropout with another probability than 0
    if is_for_none and not _has_the_same_shapes(session, outputs):
        return None
    return replace(there, objective=objective)


def is_resized(there: Session, inputs: Tensors) -> bool:
    """Whether an input is of another size than it was."""
    return any(value.shape != there.inputs[name].shape for name, value in inputs.items())


def _has_the_same_shapes(session: Session, outputs: Tensors) -> bool:
    """Whether what was none is of the shape that was meant: else the outputs are broadcast."""
    known = {name.removeprefix(UPSTREAM): value.shape for name, value in session.upstream.items()}
    return all(known.get(name, value.shape) == value.shape for name, value in outputs.items())
