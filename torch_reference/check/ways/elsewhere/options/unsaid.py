"""Options that a call leaves at their defaults, as those of a signature and those that a partial has bound.

A training sets them. They can be set where the function and its reference have one of the same name and the
same default; what the function alone has changes nothing of the reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from inspect import Parameter, Signature
from typing import Any

from torch_reference.check.calling import PairOfFunctions
from torch_reference.check.references.signatures import parameters_of
from torch_reference.check.references.stand_in import autograd_function
from torch_reference.check.ways.session import Session
from torch_reference.judging.calls.points import unseeded

BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def unsaid_options(session: Session, are_shared: bool = True) -> dict[str, Any]:
    """Their defaults by name, of those that the call does not give; or that the reference does not have."""
    theirs = _after(parameters_of(session.reference), session)
    return {
        name: default
        for name, default in _after(parameters_of(function_of(session)), session).items()
        if (name in theirs and _is_the_same(default, theirs[name]) if are_shared else name not in theirs)
    }


def called_by_name(session: Session) -> Session:
    """The session whose function takes such an option by its name: a Function takes it by its place."""
    function = session.graph
    own = None if function is None else autograd_function(unseeded(function.function))
    if function is None or own is None:
        return session
    named = Signature(list(parameters_of(own).values()))
    return replace(session, function=replace(function, function=partial(_by_place, function.function, named)))


def function_of(session: Session) -> Any:
    """What is called, whose signature tells its options: of a pair the forward."""
    function = session.function
    of = function.forward if isinstance(function, PairOfFunctions) else function.function
    return unseeded(of)


def _after(parameters: Mapping[str, Parameter], session: Session) -> dict[str, Any]:
    """The defaults of those that are not given by place or by name."""
    by_place = [name for name, each in parameters.items() if each.kind in BY_PLACE]
    given = {*by_place[: session.arguments.count], *session.arguments.keywords}
    return {
        name: each.default
        for name, each in parameters.items()
        if each.kind in BY_NAME and each.default is not Parameter.empty and name not in given
    }


def _is_the_same(one: Any, other: Any) -> bool:
    plain = (type(None), bool, int, float, str)
    return type(one) is type(other) and type(one) in plain and one == other


def _by_place(apply: Callable[..., Any], named: Signature, *args: Any, **kwargs: Any) -> Any:
    bound = named.bind(*args, **kwargs)
    bound.apply_defaults()
    return apply(*bound.args, **bound.kwargs)
