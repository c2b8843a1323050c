"""Tensors that a call may leave out, as a bias or a gain is None by default: None in the place of each."""

from collections.abc import Iterator
from dataclasses import replace

from torch_reference.check.references.signatures import parameters_of
from torch_reference.check.ways.elsewhere.options.read import objective_with
from torch_reference.check.ways.elsewhere.options.unsaid import BY_PLACE, function_of
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session


def left_out(session: Session) -> Iterator[Attempt]:
    """Where the reference takes None, and the function makes the same values: its backward may not know."""
    ours = _optional(session)
    for name in session.inputs:
        wanted = tuple(each for each in session.wanted if each != name)
        if name in ours and wanted:
            arguments = session.arguments.without(name)
            there = replace(
                session,
                arguments=arguments,
                function=replace(session.function, arguments=arguments),
                objective=objective_with(session, arguments),
                point={each: value for each, value in session.point.items() if each != name},
                wanted=wanted,
            )
            for attempt in at_point(there, f"with None for {name}", there.inputs):
                yield attempt._replace(session=there, own_values=True, may_refuse=True, on_error="warns")


def _optional(session: Session) -> set[str]:
    """The names, among those of inputs, of what is None by default."""
    named = parameters_of(function_of(session))
    places = [name for name, each in named.items() if each.kind in BY_PLACE][: session.arguments.count]
    optional = {name for name, each in named.items() if each.default is None}
    by_place = {f"inputs[{place}]" for place, name in enumerate(places) if name in optional}
    return by_place | {f"inputs[{name!r}]" for name in optional}
