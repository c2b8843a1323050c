"""What an input may be: a parameter, a view of one, no leaf, alone in having a gradient, given twice."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations, islice
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.check.graphs import gradients_of
from torch_reference.check.ways.elsewhere.domain import is_smooth
from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.cuts import elements
from torch_reference.judging.calls.nests import tensors_of
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.hygiene import copies

FEW, MOST_PAIRS = 2**10, 3
"""Of no more numbers than these so many pairs are tried."""


def as_parameters(session: Session) -> Iterator[Attempt]:
    """Inputs that are parameters, views of parameters, or no leaves, which a module's own seldom are."""
    if session.graph is None:
        return
    may_refuse = session.of_parameters is not None
    for what, made in KINDS.items():
        told, call = f"with inputs that are {what}", partial(_of_kind, session, made)
        yield Attempt(told, session.point, call, may_refuse=may_refuse, on_error="fails")


def _of_kind(session: Session, made: Callable[[Tensor], Tensor]) -> Made:
    def laid_out(name: str, value: Any) -> Any:
        return made(value) if name in session.wanted else value

    with torch.enable_grad():
        return session.differentiated(session.point, layout=laid_out)


def _view_of_a_parameter(value: Tensor) -> Tensor:
    rows = torch.cat([value.unsqueeze(0), value.unsqueeze(0)])
    return nn.Parameter(rows)[0]


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "parameters": nn.Parameter,
    "views of parameters": _view_of_a_parameter,
    "no leaves": lambda value: nn.Parameter(value) * 1,
}


def alone(session: Session) -> Iterator[Attempt]:
    """Each input requiring a gradient alone."""
    if session.graph is not None and len(session.wanted) > 1:
        for name in session.wanted:
            call = partial(session.differentiated, session.point, (name,))
            yield Attempt(f"when only {name} requires a gradient", session.point, call)


def same_twice(session: Session) -> Iterator[Attempt]:
    """One tensor for two inputs that can be one: its gradient is the sum of theirs.

    Of many numbers the first two will do.
    """
    most = MOST_PAIRS if elements(session.point) <= FEW else 1
    for one, other in islice(_alike(session), most if session.graph else 0):
        yield from _with_one(session, one, other)


def _with_one(session: Session, one: str, other: str) -> Iterator[Attempt]:
    arguments, reference = session.arguments, session.objective.function

    def of_one(value: Tensor) -> Any:
        args, kwargs = arguments.placed({**arguments.tensors(session.inputs), one: value, other: value})
        return reference(*args, **kwargs)

    point = {one: session.point[one], **session.upstream}
    objective = FunctionObjective(of_one, None, session.objective.rng_state)
    outputs = objective.looked_at({one: session.point[one]}, (one,))[0].values()
    if _are_finite(tensors_of(session.plain.outputs).values()) and not _are_finite(outputs):
        return  # of what has no distance there is no logarithm
    told = f"with one tensor for {one} and {other}"
    attempt = Attempt(told, point, partial(_same, session, one, other), objective)
    yield attempt._replace(
        warns=_has_no_slope(session, {**session.point, other: session.point[one]}, attempt)
    )


def _has_no_slope(session: Session, point: Tensors, attempt: Attempt) -> bool:
    """Whether its gradient is no number at a kink, as that of a distance is where there is none."""
    try:
        made = attempt.call()
    except UserCodeError:
        return False
    return not _are_finite(made.gradients.values()) and not is_smooth(session, point)


def _are_finite(values: Iterable[Tensor]) -> bool:
    return all(bool(value.isfinite().all()) for value in values)


def _alike(session: Session) -> Iterator[tuple[str, str]]:
    values = session.arguments.tensors(session.inputs)
    real = [name for name in session.wanted if not values[name].is_complex()]
    for one, other in combinations(real, 2):
        if values[one].shape == values[other].shape and values[one].dtype == values[other].dtype:
            yield one, other


def _same(session: Session, one: str, other: str) -> Made:
    function = session.graph
    assert function is not None
    tensors = session.tensors(copies(session.point))
    leaf = tensors[one].detach().requires_grad_()
    both = {**tensors, one: leaf, other: leaf}
    outputs, found = function.differentiated(both, tensors, (one,))
    return Made(outputs, gradients_of(found, session.point))
