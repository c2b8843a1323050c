"""The versions of the backward pass beside those that they may belong to, call by call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from torch_reference.chain.graph import Edge, Graph
from torch_reference.chain.recording.calls import Call, homes, matched_calls
from torch_reference.chain.recording.passes import Passes
from torch_reference.chain.recording.tracing import Made
from torch_reference.chain.versions.alignment import Aligned, Way
from torch_reference.chain.versions.call_groups import Group, Key, Named
from torch_reference.chain.versions.choice import is_right


def ways_by_name(passes: Passes, graph: Graph) -> tuple[dict[Key, list[Way]], dict[Key, str]]:
    """The ways in which the versions of each name may be paired, and the quantities' names.

    In a helper's call the names are those of the call of the forward pass that belongs to it.
    """
    groups = list(_groups(passes, graph))
    handed = [pair for group in groups if (pair := group.unnamed(graph)) is not None]
    meant = {pair.manual.identity: pair.forward.edge for pair in handed}
    found = [
        (key, name, [way for way in several if _fits(way, meant) or is_right(way, graph, passes.upstream)])
        for group in groups
        for key, name, several in group.named_ways(graph)
    ]
    return {key: several for key, _, several in found}, {key: name for key, name, _ in found}


def _fits(way: Way, meant: Mapping[tuple[int, int], Edge | None]) -> bool:
    """Whether no gradient of it is what a helper's backward was handed for another quantity."""
    return all(meant.get(pair.manual.identity, pair.forward.edge) == pair.forward.edge for pair in way)


def is_handed_in_for_another(pair: Aligned, passes: Passes, graph: Graph) -> bool:
    """Whether it is what the backward was called with, and not the gradient that its name says: no mistake.

    As the d_loss of a loss whose forward calls that of each element loss, before it adds them up.
    """
    made = pair.manual
    is_parameter = not made.owner and made.line == made.code.co_firstlineno
    is_given = is_parameter and made.identity[0] in passes.handed_in
    return is_given and not is_right((pair,), graph, passes.upstream)


def _groups(passes: Passes, graph: Graph) -> Iterator[Group]:
    ours = {call.number: call for call in passes.forward_calls}
    theirs = {call.number: call for call in passes.backward_calls}
    matched = matched_calls(passes.forward_calls, passes.backward_calls, passes.copied)
    # The names of the outermost call are everybody's.
    matched = {one: other for one, other in matched.items() if ours[other].made_in is not None}
    forward = [made for made in passes.forward if made.edge and made.edge.node in graph.places]
    backward = [made for made in passes.backward if not _is_dropped(made, theirs, passes)]
    first = {made.number for versions in by_name(passes.backward).values() for made in versions}
    at_home, away = homes(passes.forward_calls, matched.values()), homes(passes.backward_calls, matched)
    rest = by_name(one for one in backward if one.call not in away and one.number in first)
    versions = {made.identity: made for made in reversed(passes.backward)}
    known = {made.identity for made in forward}
    yield Group(None, None, by_name(forward), rest, "", versions, known)
    labels = _labels([theirs[number] for number in matched])
    for number, other in matched.items():
        here = by_name(one for one in forward if at_home.get(one.call) == other)
        # What a helper is handed under the name that it had is a gradient of the helper's, too.
        given = by_name(one for one in backward if away.get(one.call) == number)
        yield Group(ours[other], theirs[number], here, given, labels[number], versions, known)


def _labels(calls: Sequence[Call]) -> dict[int, str]:
    """The name of each call's function, with its number if it is called more than once."""
    found = {}
    for call in calls:
        same = [one.number for one in calls if one.code is call.code]
        count = f", call {same.index(call.number) + 1} of {len(same)}" if len(same) > 1 else ""
        found[call.number] = f" in {call.code.co_qualname.split('<locals>.')[-1]}{count}"
    return found


def by_name(versions: Iterable[Made]) -> Named:
    """The versions of each name, without those that only hand on another version of the same name."""
    found: Named = {}
    for version in versions:
        known = found.setdefault(version.name, [])
        if all(version.identity != other.identity for other in known):
            known.append(version)
    return found


def _is_dropped(made: Made, calls: Mapping[int, Call], passes: Passes) -> bool:
    """Whether a helper returned it among others, and its caller named it _, or not at all."""
    [identity, _], own = made.identity, calls.get(made.call)
    if own is None or own.made_in is None or len(own.returned) < 3 or not _holds(own.returned, identity):
        return False
    others = [call for call in calls.values() if call is not own]
    if any(_holds((*call.returned, *call.given), identity) for call in others):
        return False
    again = [one for one in passes.backward if one.identity == made.identity and one.call != made.call]
    return all(one.name.startswith("_") for one in again)


def _holds(values: Iterable[object], identity: int) -> bool:
    return any(id(value) == identity for value in values)


def is_an_argument(made: Made, calls: Sequence[Call]) -> bool:
    """Whether a helper was called with it: it was made where that was called."""
    return any(call.number == made.call and call.code is not made.code for call in calls)


def _is_returned(made: Made, first: Made) -> bool:
    """Whether a helper made it, and handed it to its caller."""
    return first.call > made.call and first.code is not made.code


def makers_of_arguments(passes: Passes, pairs: Sequence[Aligned]) -> dict[int, Made]:
    """Of what helpers are called with, and return, the versions that they are, in whose line they were made.

    None of what is another gradient elsewhere.
    """
    edges: dict[tuple[int, int], set[Edge | None]] = {}
    for ours, theirs, _ in pairs:
        edges.setdefault(theirs.identity, set()).add(ours.edge)
    first: dict[tuple[int, int], Made] = {}
    for made in passes.backward:
        first.setdefault(made.identity, made)
    return {
        theirs.number: first[theirs.identity]
        for _, theirs, _ in pairs
        if (is_an_argument(theirs, passes.backward_calls) or _is_returned(theirs, first[theirs.identity]))
        and len(edges[theirs.identity]) == 1
        and theirs.identity[0] not in passes.handed_in
    }
