"""The graph that autograd recorded, read from the loss backwards, and run by hand as often as one likes.

Autograd's own engine insists on the dtypes of the forward pass and hands on what it computed. Here each of
its nodes is called one by one, so that the same graph can be run in float64, moved by roundings, and cut:
at a cut a given gradient is handed on in place of the one that arrived.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.chain.float64 import SavedTensors

MOST_WAYS = 12
"""So many ways of cutting are tried at most before a link is called wrong."""


class Edge(NamedTuple):
    """One tensor of the graph: the node that made it (or that accumulates it), and which of its results."""

    node: Any
    number: int


def edge_of(value: Tensor) -> Edge | None:
    """The edge of a tensor as it is now, before anything changes it in place; None if it has no gradient."""
    if not value.requires_grad:
        return None
    found = torch.autograd.graph.get_gradient_edge(value)
    return Edge(found.node, found.output_nr)


class Graph:
    """All nodes that the roots depend on, in the order in which their gradients are complete."""

    def __init__(self, roots: Sequence[Edge]) -> None:
        """Walk the graph once; a leaf comes as soon as it is complete, as in autograd's engine.

        Errors: ValueError for a graph whose saved tensors were freed by a backward pass
        """
        self.roots = tuple(roots)
        self.next: dict[Any, tuple[Edge | None, ...]] = {}
        waiting: dict[Any, int] = {}
        found = list(dict.fromkeys(edge.node for edge in roots))
        for node in found:  # it grows on the way
            if node in self.next:
                continue
            self.next[node] = tuple(
                Edge(*edge) if edge[0] is not None else None for edge in node.next_functions
            )
            for edge in self.next[node]:
                if edge is not None:
                    waiting[edge.node] = waiting.get(edge.node, 0) + 1
                    found.append(edge.node)
        self.order = self._in_order(waiting)
        self.places = {node: place for place, node in enumerate(self.order)}

    def _in_order(self, waiting: dict[Any, int]) -> list[Any]:
        ready = [node for node in self.next if not waiting.get(node)]
        order = []
        while ready:
            # The latest of the forward pass comes first, and a leaf before all others.
            node = max(ready, key=_sequence)
            ready.remove(node)
            order.append(node)
            for edge in self.next[node]:
                if edge is not None:
                    waiting[edge.node] -= 1
                    if not waiting[edge.node]:
                        ready.append(edge.node)
        return order

    def fed_by(self, start: Edge, stops: Sequence[Edge]) -> set[Edge]:
        """The stops that are reached from an edge on a path of the backward pass with no other stop on it."""
        reached, seen = set(), set()
        waiting = list(self.next.get(start.node, ()))
        while waiting:
            edge = waiting.pop()
            if edge is None or edge in seen:
                continue
            seen.add(edge)
            if edge in stops:
                reached.add(edge)
            else:
                waiting += self.next[edge.node]
        return reached

    def reached_from(self, starts: Collection[Edge]) -> set[Edge]:
        """All edges that lie behind one of these, on a path of the backward pass."""
        seen, waiting = set[Edge](), [edge for start in starts for edge in self.next.get(start.node, ())]
        while waiting:
            edge = waiting.pop()
            if edge is not None and edge not in seen:
                seen.add(edge)
                waiting += self.next[edge.node]
        return seen

    def gradients(
        self,
        upstream: Sequence[Tensor],
        wanted: Sequence[Edge],
        handed_on: Mapping[Edge, Tensor],
        terms: dict[Edge, list[Tensor]] | None = None,
    ) -> dict[Edge, Tensor]:
        """What arrives at each wanted edge, before what is handed on there takes its place.

        In float64, if the upstream gradients are and the graph is not. terms, where it has an edge, gets
        what arrives there from each use of it.

        Shapes: one upstream gradient for each root; each result has the shape of its edge
        Errors: ValueError for a graph whose saved tensors were freed by a backward pass
        """
        arrived: dict[Edge, Tensor] = {}
        for root, value in zip(self.roots, upstream, strict=True):
            _add(arrived, root, value)
        exact = upstream[0].dtype in (torch.float64, torch.complex128)
        with torch.no_grad(), SavedTensors(exact):
            for node in self.order:
                self._run(node, arrived, handed_on, exact, terms or {})
        return {edge: arrived[edge] for edge in wanted if edge in arrived}

    def _run(
        self,
        node: Any,
        arrived: dict[Edge, Tensor],
        handed_on: Mapping[Edge, Tensor],
        exact: bool,
        terms: Mapping[Edge, list[Tensor]],
    ) -> None:
        form = node._input_metadata
        edges = [Edge(node, number) for number in range(len(form))]
        given = [handed_on.get(edge, arrived.get(edge)) for edge in edges]
        if not self.next[node] or all(value is None for value in given):
            return
        for edge, gradient in zip(self.next[node], _called(node, given, form), strict=False):
            if edge is not None and gradient is not None:
                fitted = _fitted(gradient, edge, exact)
                _add(arrived, edge, fitted)
                if edge in terms:
                    terms[edge].append(fitted)


def _sequence(node: Any) -> float:
    return float("inf") if not node.next_functions else node._sequence_nr()


def _called(node: Any, given: list[Tensor | None], form: Sequence[Any]) -> tuple[Tensor | None, ...]:
    try:
        if hasattr(node, "_forward_cls"):  # a custom Function, whose gradients are never None unless it asks
            if getattr(node, "materialize_grads", True):
                given = [
                    torch.zeros(tuple(one.shape), dtype=one.dtype, device=one.device)
                    if value is None
                    else value
                    for value, one in zip(given, form, strict=True)
                ]
            made = node.apply(*given)
        else:
            made = node(*given)
    except RuntimeError as error:
        if "second time" in str(error) or "freed" in str(error):
            raise ValueError(
                "the graph of the loss is gone: expected the check before loss.backward(), "
                "or loss.backward(retain_graph=True)"
            ) from None
        raise
    return made if isinstance(made, tuple) else (made,)


def _fitted(gradient: Tensor, edge: Edge, exact: bool) -> Tensor:
    """In the shape, and unless all is in float64 the dtype, of what it is the gradient of."""
    form = edge.node._input_metadata[edge.number]
    shape = tuple(form.shape)
    if gradient.shape != shape:
        gradient = gradient.sum_to_size(shape)
    if gradient.is_complex() and not form.dtype.is_complex:
        gradient = gradient.real
    return gradient if exact else gradient.to(form.dtype)


def _add(arrived: dict[Edge, Tensor], edge: Edge, gradient: Tensor) -> None:
    arrived[edge] = arrived[edge] + gradient if edge in arrived else gradient


def fewer_cuts(above: Sequence[Edge], wrong: Collection[Edge]) -> Iterator[tuple[Edge, ...]]:
    """Other cuts by which a link may be right: who derives a long link in one step reads no link between.

    Only cuts at wrong gradients make a difference.
    """
    tried = [edge for edge in above if edge in wrong]
    subsets = chain(
        ((edge,) for edge in tried), *(combinations(tried, size) for size in range(len(tried) - 1, 1, -1))
    )
    for number, some in enumerate(subsets):
        if number == MOST_WAYS:
            return
        yield some
