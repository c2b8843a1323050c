"""Of several ways of pairing versions, the one by which most of the chain follows from itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import torch

from torch_reference.chain.graph import Edge, Graph
from torch_reference.chain.versions.alignment import Way

MOST_TRIALS = 60
"""So many passes over the graph at most; then the likeliest ways stand."""


Key = TypeVar("Key")


class Choice(NamedTuple):
    """The way of one name, and whether less of the chain would follow from itself in every other."""

    way: Way
    sure: bool


def chosen_ways(
    several: Mapping[Key, Sequence[Way]], graph: Graph, upstream: Sequence[torch.Tensor]
) -> dict[Key, Choice]:
    """One way for each name.

    A way is better if more of all gradients are what autograd makes of the others: then each stands for what
    its name says.
    """
    chosen = {name: Choice(ways[0], len(ways) == 1) for name, ways in several.items()}
    trials = 0
    for name, ways in several.items():
        if len(ways) < 2 or trials + len(ways) > MOST_TRIALS:
            continue
        trials += len(ways)
        others = [choice.way for other, choice in chosen.items() if other != name]
        scores = [_follow([*others, way], graph, upstream) for way in ways]
        best = scores.index(max(scores))
        rivals = [scores[place] for place, way in enumerate(ways) if _conflict(way, ways[best])]
        chosen[name] = Choice(ways[best], all(score < scores[best] for score in rivals))
    return chosen


def _conflict(one: Way, other: Way) -> bool:
    """Whether a gradient belongs to another version here than there."""
    meant = {pair.manual.number: pair.forward.number for pair in one}
    return any(meant.get(pair.manual.number, pair.forward.number) != pair.forward.number for pair in other)


def _follow(ways: Iterable[Way], graph: Graph, upstream: Sequence[torch.Tensor]) -> int:
    """How many gradients follow from those above them, or from autograd's, to half of their digits."""
    manual = {
        pair.forward.edge: pair.manual.value.double()
        for way in ways
        for pair in way
        if pair.forward.edge is not None and pair.manual.value.shape == pair.forward.value.shape
    }
    given = [value.double() for value in upstream]
    edges = list(manual)
    plain, cut = graph.gradients(given, edges, {}), graph.gradients(given, edges, manual)
    return sum(_alike(manual[edge], plain, edge) or _alike(manual[edge], cut, edge) for edge in edges)


def is_right(way: Way, graph: Graph, upstream: Sequence[torch.Tensor]) -> bool:
    """Whether all are autograd's to half of their digits: then each is what its name says."""
    edges = [pair.forward.edge for pair in way if pair.forward.edge is not None]
    right = graph.gradients([value.double() for value in upstream], edges, {})
    pairs = [(pair.manual.value, pair.forward.edge) for pair in way if pair.forward.edge is not None]
    same = all(value.shape == right[edge].shape for value, edge in pairs if edge in right)
    return same and all(_alike(value, right, edge) for value, edge in pairs)


def _alike(manual: torch.Tensor, found: Mapping[Edge, torch.Tensor], edge: Edge) -> bool:
    right = found.get(edge)
    return right is not None and bool((manual - right).norm() <= 1e-4 * right.norm())
