"""The links of a flat script: its pairs on the graph, the lines that made them, and what each line added."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from torch_reference.chain.blame.parts import in_increments
from torch_reference.chain.graph import Graph, edge_of
from torch_reference.chain.quantity import Quantity, as_gradient, place_of
from torch_reference.chain.recording.tracing import Made, Recorder


def own_versions(recorder: Recorder) -> list[Made]:
    """Every version of every variable of the recorded function itself."""
    return [made for made in recorder.made if made.call == 0 and not made.owner]


def links_of_script(
    pairs: Sequence[tuple[str, str, Tensor, Any]], graph: Graph, made: Sequence[Made]
) -> tuple[list[Quantity], list[str]]:
    """The links that the pairs (name, manual name, tensor, gradient) are, and what was left, with the reason.

    Those from which no other follows are what the script is for: their shape is judged.
    """
    links, apart = [], []
    places = {version.name: place_of(version.code, version.line) for version in made}
    for name, manual_name, value, manual in pairs:
        edge = edge_of(value)
        if edge is None or edge.node not in graph.places:
            apart.append(f"{name}: the loss does not depend on it")
            continue
        gradient = as_gradient(manual, value)
        if gradient is None:
            apart.append(f"{manual_name}: expected a tensor or a number, found {type(manual).__name__}")
            continue
        place = places.get(manual_name)
        links.append(Quantity(name, manual_name, edge, value.detach(), gradient, place))
    edges = [link.edge for link in links]
    for at, link in enumerate(links):
        if not graph.fed_by(link.edge, [edge for edge in edges if edge != link.edge]):
            links[at] = replace(link, returned=link.name)
    return [in_increments(link, made) for link in links], apart
