"""Every link judged twice: against autograd, and given the user's own gradients further up the chain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, combinations

import torch
from torch import Tensor

from torch_reference.chain import bounds
from torch_reference.chain.graph import Edge, Graph
from torch_reference.chain.quantity import Quantity
from torch_reference.comparison import Row, Verdict, form_mismatch
from torch_reference.diagnosis.likeness import likeness
from torch_reference.judging.finding import Diagnosis

MOST_WAYS = 12
"""So many ways of cutting are tried at most before a link is called wrong."""


class Status(StrEnum):
    """What is said of one link."""

    RIGHT = "right"
    WRONG = "wrong here"
    INHERITED = "inherited"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Judged:
    """One link, its comparison with autograd, its comparison given its own upstream gradients, and why."""

    quantity: Quantity
    status: Status
    row: Row
    given: Row | None = None
    expected: Tensor | None = None
    reason: str = ""
    cuts: Mapping[Edge, Tensor] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    follows_from: frozenset[Edge] | None = None
    """The gradients from which an inherited one follows; None for all that are above it."""


@dataclass(frozen=True)
class Chain:
    """The graph from the loss, the upstream gradients of its roots, and the links on it."""

    graph: Graph
    upstream: tuple[Tensor, ...]
    links: tuple[Quantity, ...]

    def judged(self) -> list[Judged]:
        """All links from the loss backwards, each with what is known of it."""
        ordered = [self.links[index] for index in self._order()]
        rows = self._rows(ordered, {})
        if all(row.agrees for row in rows):
            return [Judged(link, Status.RIGHT, row) for link, row in zip(ordered, rows, strict=True)]
        rows = bounds.but_for_roundings(rows, list(map(self._off, ordered, rows)), ordered[0].value.dtype)
        wrong = {link.edge for link, row in zip(ordered, rows, strict=True) if not row.agrees}
        cuts = self._cuts(ordered, wrong)
        given = self._rows(ordered, cuts)
        unfit = self._below_unfit(ordered, wrong, cuts)
        return [
            self._judge(link, row, by_itself, cuts, unfit, wrong)
            for link, row, by_itself in zip(ordered, rows, given, strict=True)
        ]

    def _off(self, link: Quantity, row: Row) -> float:
        """How far it is from autograd's, of the size of that; infinite where they cannot be compared."""
        if row.agrees or link.manual.shape != link.value.shape:
            return 0.0 if row.agrees else float("inf")
        [right] = self.expected([link], {})
        return float(((link.manual - right).norm() / right.norm()).nan_to_num(nan=float("inf")))

    def _judge(
        self,
        link: Quantity,
        row: Row,
        given: Row,
        cuts: Mapping[Edge, Tensor],
        unfit: Mapping[Edge, str],
        wrong: set[Edge],
    ) -> Judged:
        if row.agrees:
            return Judged(link, Status.RIGHT, row)
        if link.edge in unfit:
            return Judged(link, Status.NOT_JUDGED, row, reason=unfit[link.edge])
        if given.agrees or self._is_of_above(link, cuts):
            return Judged(link, Status.INHERITED, row, given)
        above = [edge for edge in cuts if link.edge in self.graph.fed_by(edge, [link.edge])]
        for some in _fewer(above, wrong):
            fewer = {edge: cuts[edge] for edge in some}
            [other] = self._rows([link], fewer)
            if other.agrees or self._is_of_above(link, fewer):
                return Judged(link, Status.INHERITED, row, other, follows_from=frozenset(some))
        [expected] = self.expected([link], cuts)
        if not expected.isfinite().all():
            return Judged(link, Status.NOT_JUDGED, row, given, reason="autograd's is not finite here")
        told = likeness(link.manual, expected, link.value)
        return Judged(link, Status.WRONG, row, given, expected, "", cuts, told)

    def _is_of_above(self, link: Quantity, cuts: Mapping[Edge, Tensor]) -> bool:
        """Whether what is wrong of it is so by what is handed on, but for other roundings than autograd's."""
        if link.manual.shape != link.value.shape:
            return False
        [given], [right] = self.expected([link], cuts), self.expected([link], {})
        close = torch.finfo(link.value.dtype).eps ** 0.5
        return bool((link.manual - given).norm() <= close * (link.manual - right).norm())

    def expected(self, links: Sequence[Quantity], cuts: Mapping[Edge, Tensor]) -> list[Tensor]:
        """What autograd makes of the gradients that are handed on at the cuts, in float64."""
        upstream = [value.double() for value in self.upstream]
        exact = {edge: value.double() for edge, value in cuts.items()}
        found = self.graph.gradients(upstream, [link.edge for link in links], exact)
        return [found.get(link.edge, torch.zeros_like(link.value, dtype=torch.float64)) for link in links]

    def terms(self, edge: Edge, cuts: Mapping[Edge, Tensor]) -> list[Tensor]:
        """What arrives at an edge from each of its uses, in float64; zeros are none."""
        found: dict[Edge, list[Tensor]] = {edge: []}
        exact = {cut: value.double() for cut, value in cuts.items()}
        self.graph.gradients([value.double() for value in self.upstream], [], exact, found)
        return [term for term in found[edge] if term.any()]

    def _order(self) -> list[int]:
        places = self.graph.places
        return sorted(range(len(self.links)), key=lambda index: places.get(self.links[index].edge.node, 0))

    def _rows(self, links: Sequence[Quantity], cuts: Mapping[Edge, Tensor]) -> list[Row]:
        """One row for each link, in their order."""
        rows: list[Row | None] = [form_mismatch(link.shown, link.manual, link.value) for link in links]
        names = {str(index): link for index, link in enumerate(links) if rows[index] is None}
        edges = list(cuts)

        def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
            upstream = [values[f"root {number}"] for number in range(len(self.upstream))]
            handed_on = {edge: values[f"cut {number}"] for number, edge in enumerate(edges)}
            found = self.graph.gradients(upstream, [link.edge for link in names.values()], handed_on)
            zero = {
                name: torch.zeros_like(link.value, dtype=upstream[0].dtype) for name, link in names.items()
            }
            return {name: found.get(link.edge, zero[name]) for name, link in names.items()}

        inputs = {f"root {number}": value for number, value in enumerate(self.upstream)}
        inputs |= {f"cut {number}": cuts[edge] for number, edge in enumerate(edges)}
        # They are not read, but decide whose roundings are meant.
        inputs |= {f"value {index}": link.value.new_zeros(()) for index, link in enumerate(links)}
        if names:
            found = bounds.rows({name: link.manual for name, link in names.items()}, reference, inputs)
            for name, row in found.items():
                rows[int(name)] = row
        return [row or Row(link.shown, Verdict.AGREES) for row, link in zip(rows, links, strict=True)]

    def _cuts(self, links: Sequence[Quantity], wrong: set[Edge]) -> dict[Edge, Tensor]:
        cuts: dict[Edge, Tensor] = {}
        for link in links:
            # Of several the last: what was made before it may have been a part of it.
            if not _unfit(link, wrong):
                cuts[link.edge] = link.manual.expand(link.value.shape).to(link.value.dtype)
        return cuts

    def _below_unfit(
        self, links: Sequence[Quantity], wrong: set[Edge], cuts: Mapping[Edge, Tensor]
    ) -> dict[Edge, str]:
        """Whatever is fed by a link that one cannot judge by, and why."""
        found: dict[Edge, str] = {}
        edges = [link.edge for link in links]
        for link in (one for one in links if one.edge not in cuts):
            reason = f"its upstream gradient {link.manual_name} {_unfit(link, wrong)}"
            found |= dict.fromkeys(self.graph.fed_by(link.edge, edges), reason)
        return found


def _unfit(link: Quantity, wrong: set[Edge]) -> str:
    """Why no other link can be judged by what it makes of this gradient; empty if it can."""
    try:
        link.manual.expand(link.value.shape)
    except RuntimeError:
        return "has another shape"
    if not link.manual.isfinite().all():
        return "is not finite"
    # Of zeros every link makes zeros, the wrong ones too.
    return "is zero" if link.edge in wrong and not link.manual.any() else ""


def _fewer(above: Sequence[Edge], wrong: set[Edge]) -> Iterator[tuple[Edge, ...]]:
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
