"""The links inside a function: its own local variables, of unmodified code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.blame.confirmation import confirmed, settled, without_doubtful
from torch_reference.chain.blame.parts import grouped, in_increments, stem_of_a_part, with_parts
from torch_reference.chain.blame.two_names import judged_by_name
from torch_reference.chain.graph import Edge, Graph
from torch_reference.chain.names import named_pairs
from torch_reference.chain.quantity import Place, Quantity, place_of
from torch_reference.chain.recording.passes import Passes, function_passes, reference_passes
from torch_reference.chain.recording.placing import Placing
from torch_reference.chain.recording.recomputed import otherwise
from torch_reference.chain.recording.same_gradients import same_gradients
from torch_reference.chain.recording.tracing import Made
from torch_reference.chain.report import ChainReport
from torch_reference.chain.verdict import Chain
from torch_reference.chain.versions.alignment import Aligned, Way
from torch_reference.chain.versions.another_loss import in_units_of_the_loss
from torch_reference.chain.versions.choice import chosen_ways
from torch_reference.chain.versions.in_calls import (
    by_name,
    is_an_argument,
    is_handed_in_for_another,
    makers_of_arguments,
    ways_by_name,
)

PARTS_OF_IT = (
    "but for those that are returned, these are gradients of {size} times the loss; shown divided by it"
)


def links_of_function(
    function: Any,
    reference: Callable[..., Any],
    inputs: Sequence[Any],
    wanted: Sequence[bool],
    upstream: Sequence[Tensor | None],
    placing: Placing | None = None,
    precision: torch.dtype | None = None,
) -> ChainReport:
    """Judge the local variables of a Function's, or a pair's, backward as links of the chain.

    The forward pass runs with a graph of its own, and a variable of the backward pass belongs by its name to
    one of the forward pass. Where the forward pass has no graph (numpy, C, a kernel), or another gradient
    than the reference's, the reference's local variables stand in. Nothing is raised: what is out of reach is
    the report's note.

    Shapes: wanted says of each input whether it has a gradient; upstream has one entry for each output, None
            for one that has no gradient; placing where inputs are named, or nested; precision is that of the
            code, where it is coarser than that of the inputs
    """
    given = (function, inputs, wanted, upstream, placing)
    try:
        try:
            passes = function_passes(*given)
        except Exception:  # numpy takes no tensor with a graph
            passes = function_passes(*given, graph=False)
    except Exception as error:  # the user's code, called in an unusual way
        return out_of_reach("the function cannot be run line by line", error)
    try:
        other = reference_passes(reference, inputs, upstream, passes, placing)
        if same_gradients(passes, other):
            return judged_passes(passes, precision)
        # Of the reference a name may well mean something else.
        return replace(judged_passes(other, precision), recomputed=())
    except Exception as error:
        return out_of_reach("its links cannot be judged", error)


def judged_passes(passes: Passes, precision: torch.dtype | None = None) -> ChainReport:
    """Every pair of a version and its gradient, judged by itself; of a loss perhaps as n times it."""
    graph = Graph(passes.roots)
    links, unpaired = paired_versions(passes, graph)
    is_a_loss = len(passes.upstream) == 1 and passes.upstream[0].ndim == 0
    links, size = in_units_of_the_loss(links, graph, passes.upstream) if is_a_loss else (links, 1)
    chain = Chain(graph, passes.upstream, tuple(links), precision)
    judged = with_parts(judged_by_name(chain), chain) if links else []
    note = f"recorded only in part: {passes.stopped}" if passes.stopped else ""
    note = note or (PARTS_OF_IT.format(size=size) if size > 1 else "")
    again = tuple((made.name, place_of(made.code, made.line)) for made in otherwise(passes))
    forward = frozenset(made.name for made in passes.forward) - {
        made.name for made in otherwise(passes, in_any_shape=True)
    }
    named = tuple((made.name, made.value) for made in passes.forward)
    found = confirmed([settled(one, chain) for one in judged], graph)
    return ChainReport(
        tuple(without_doubtful(found, chain)), graph, tuple(unpaired), note, forward, named, again
    )


def paired_versions(passes: Passes, graph: Graph) -> tuple[list[Quantity], list[str]]:
    """The links by name, and the gradients that are returned; and what was left unpaired."""
    several, names = ways_by_name(passes, graph)
    unpaired = [
        f"{key[1]}: no version of it has the shape of {name}, or one for each of its versions"
        for key, name in names.items()
        if not several[key]
    ]
    chosen = chosen_ways({key: found for key, found in several.items() if found}, graph, passes.upstream)
    links: dict[tuple[Edge, tuple[int, int]], Quantity] = {}
    # What is handed on under another name is the link of the name, and the line, that made it.
    pairs = [
        (pair, choice.sure, _others(several[key], pair))
        for key, choice in chosen.items()
        for pair in choice.way
        if not is_handed_in_for_another(pair, passes, graph)
    ]
    makers = makers_of_arguments(passes, [pair for pair, _, _ in pairs])
    for (ours, theirs, label), sure, others in sorted(pairs, key=lambda pair: pair[0].manual.number):
        assert ours.edge is not None
        value, manual = ours.value, theirs.value.to(ours.value.dtype)
        made = makers.get(theirs.number, theirs)
        place = place_of(made.code, made.line)
        quantity = Quantity(ours.name, theirs.name, ours.edge, value, manual, place, label, sure)
        partial = is_an_argument(ours, passes.forward_calls)
        callers = _callers(passes, theirs, made)
        quantity = replace(quantity, others=others, partial=partial, callers=callers)
        links.setdefault((ours.edge, theirs.identity), quantity)
    versions = by_name(made for made in passes.forward if made.edge and made.edge.node in graph.places)
    parts = _parts(versions, by_name(passes.backward), [*(name for _, name in names), *passes.returned])
    found = grouped(parts, _returned(passes, links, graph))
    return [in_increments(link, passes.backward) for link in found], unpaired


def _others(ways_of_it: Sequence[Way], chosen: Aligned) -> tuple[Edge, ...]:
    """The other versions that this gradient may belong to."""
    found = [pair.forward.edge for way in ways_of_it for pair in way if pair.manual is chosen.manual]
    return tuple(dict.fromkeys(edge for edge in found if edge is not None and edge != chosen.forward.edge))


def _parts(
    versions: Mapping[str, Sequence[Made]], gradients: Mapping[str, Sequence[Made]], paired: Sequence[str]
) -> dict[Edge, list[Quantity]]:
    """Gradients that are named like a part of another, of what there is one version only."""
    stems = {name: stem_of_a_part(name) for name in gradients if name not in paired}
    names = named_pairs(list(versions), [stem for stem in stems.values() if stem])
    found: dict[Edge, list[Quantity]] = {}
    for manual, stem in stems.items():
        ours, theirs = versions.get(names.get(stem, ""), ()), gradients[manual]
        if len(ours) != 1 or len(theirs) != 1 or ours[0].value.shape != theirs[0].value.shape:
            continue
        [made], value, edge = theirs, ours[0].value, ours[0].edge
        assert edge is not None
        place, numbers = place_of(made.code, made.line), made.value.to(value.dtype)
        found.setdefault(edge, []).append(Quantity(ours[0].name, manual, edge, value, numbers, place))
    return {edge: some for edge, some in found.items() if len(some) > 1}


def _returned(
    passes: Passes, links: Mapping[tuple[Edge, tuple[int, int]], Quantity], graph: Graph
) -> list[Quantity]:
    """The links, and what is returned as the gradients of the inputs, which may be among them."""
    kept = dict(links)
    for name, (gradient, identity) in passes.returned.items():
        edge, value = passes.inputs[name]
        if edge.node not in graph.places:
            continue
        made = next((version for version in passes.backward if version.identity == identity), None)
        elsewhere = any(other == identity and at != edge for at, other in kept)
        if (edge, identity) in kept:
            kept[edge, identity] = kept[edge, identity].as_returned(name)
        else:
            # Of what was only handed on, or belongs to another quantity, the wrong line is the return.
            own = made and not elsewhere and identity[0] not in passes.handed_in
            where = (made.code, made.line) if made and own else passes.last_return
            shown, place = made.name if made else f"d_{name}", place_of(*where) if where else None
            quantity = Quantity(name, shown, edge, value, gradient, place, returned=name)
            handed = _callers(passes, made, made) if made and own else ()
            kept[edge, identity] = replace(quantity, callers=handed)
        kept[edge, identity] = replace(kept[edge, identity], handed_on=_handed_on(passes, identity))
    return list(kept.values())


def _handed_on(passes: Passes, identity: tuple[int, int]) -> tuple[Place, ...]:
    """Where a version got further names, and where it was returned."""
    last = (place_of(*passes.last_return),) if passes.last_return is not None else ()
    again = [version for version in passes.backward if version.identity == identity][1:]
    return tuple(place_of(version.code, version.line) for version in again[::-1]) + last


def _callers(passes: Passes, theirs: Made, made: Made) -> tuple[Place, ...]:
    """The lines that handed on what a helper's line made; first that which gave it the link's own name."""
    again = [version.named_at for version in passes.backward if version.identity == theirs.identity]
    if not is_an_argument(theirs, passes.backward_calls):
        again.insert(0, theirs.named_at)
    return tuple(place_of(*where) for where in again if where is not None and where[0] is not made.code)


def out_of_reach(what: str, error: Exception) -> ChainReport:
    """A report of nothing, with the reason in its note."""
    first = (str(error).splitlines() or [""])[0][:120]
    return ChainReport((), Graph(()), (), f"out of reach: {what} ({type(error).__name__}: {first})")
