"""Every link judged twice: against autograd, and given the user's own gradients further up the chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain import bounds
from torch_reference.chain.graph import Edge, Graph, fewer_cuts
from torch_reference.chain.quantity import Quantity, unfit
from torch_reference.comparison import Row, Verdict, form_mismatch
from torch_reference.diagnosis.likeness import likeness
from torch_reference.judging.finding import Diagnosis
from torch_reference.tolerance.rounding.exact_run import widened

MOST_REMEMBERED = 2**23  # numbers, at all cuts together


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
    compensates: bool = False
    """Whether a right one is no more so given its own upstream gradients: two mistakes may cancel."""
    follows_from: frozenset[Edge] | None = None
    """The gradients from which an inherited one follows; None for all that are above it."""


@dataclass(frozen=True)
class Chain:
    """The graph from the loss, the upstream gradients of its roots, and the links on it.

    precision is that of the code, where it is another than that of its numbers; remembered, what is expected
    with which cuts: a loop's links are asked for by the same.
    """

    graph: Graph
    upstream: tuple[Tensor, ...]
    links: tuple[Quantity, ...]
    precision: torch.dtype | None = None
    remembered: dict[Any, tuple[Any, dict[Edge, Any]]] = field(default_factory=dict, compare=False)

    def judged(self) -> list[Judged]:
        """All links from the loss backwards, each with what is known of it."""
        ordered = [self.links[index] for index in self._order()]
        alone = self.rows(ordered, {})
        if all(row.agrees for row in alone):
            return [Judged(link, Status.RIGHT, row) for link, row in zip(ordered, alone, strict=True)]
        precision = self.precision or ordered[0].value.dtype
        rows = bounds.but_for_roundings(alone, list(map(self._off, ordered, alone)), precision)
        wrong = {link.edge for link, row in zip(ordered, rows, strict=True) if not row.agrees}
        cuts = self._cuts(ordered, wrong)
        reached = self.graph.reached_from(cuts)
        given = self.rows(ordered, cuts) if any(link.edge in reached for link in ordered) else alone
        below = self._below_unfit(ordered, wrong, cuts)
        return [
            self._judge(link, row, by_itself, cuts, below, wrong)
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
        below: Mapping[Edge, str],
        wrong: set[Edge],
    ) -> Judged:
        if row.agrees:
            return Judged(link, Status.RIGHT, row, compensates=not given.agrees)
        if link.edge in below:
            return Judged(link, Status.NOT_JUDGED, row, reason=below[link.edge])
        if given.agrees or self._is_of_above(link, cuts):
            return Judged(link, Status.INHERITED, row, given)
        above = [edge for edge in cuts if link.edge in self.graph.fed_by(edge, [link.edge])]
        for some in fewer_cuts(above, wrong):
            fewer = {edge: cuts[edge] for edge in some}
            if self._is_far(link, fewer):
                continue
            [other] = self.rows([link], fewer)
            if other.agrees or self._is_of_above(link, fewer):
                return Judged(link, Status.INHERITED, row, other, follows_from=frozenset(some))
        [expected] = self.expected([link], cuts)
        if not expected.isfinite().all():
            return Judged(link, Status.NOT_JUDGED, row, given, reason="autograd's is not finite here")
        told = likeness(link.manual, expected, link.value)
        return Judged(link, Status.WRONG, row, given, expected, "", cuts, told)

    def _is_far(self, link: Quantity, cuts: Mapping[Edge, Tensor]) -> bool:
        """Whether it is further from what is expected than roundings explain: asked first, as it is quick."""
        if link.manual.shape != link.value.shape or link.value.dtype in (torch.bfloat16, torch.float16):
            return False
        [expected], eps = self.expected([link], cuts), torch.finfo(link.value.dtype).eps
        largest = max(float(value.norm()) for value in (*cuts.values(), *self.upstream))
        off = float((link.manual - expected).norm())
        return off > eps**0.25 * float(expected.norm()) and off > 1e4 * eps * largest

    def _is_of_above(self, link: Quantity, cuts: Mapping[Edge, Tensor]) -> bool:
        """Whether what is wrong of it is so by what is handed on, but for other roundings than autograd's."""
        if link.manual.shape != link.value.shape:
            return False
        [given], [right] = self.expected([link], cuts), self.expected([link], {})
        close = torch.finfo(link.value.dtype).eps ** 0.5
        return bool((link.manual - given).norm() < close * (link.manual - right).norm())  # not of infinities

    def expected(self, links: Sequence[Quantity], cuts: Mapping[Edge, Tensor]) -> list[Tensor]:
        """What autograd makes of what is handed on at the cuts, in float64, in one pass for all."""
        key = frozenset((edge, id(value)) for edge, value in cuts.items())
        _, found = self.remembered.get(key, ({}, {}))
        if any(link.edge not in found for link in links):
            every = [link.edge for link in (*links, *self.links)]
            exact = {edge: widened(value) for edge, value in cuts.items()}
            made = self.graph.gradients([value.double() for value in self.upstream], every, exact)
            if sum(link.value.numel() for link in self.links) * len(self.remembered) > MOST_REMEMBERED:
                self.remembered.clear()
            found = dict.fromkeys(every) | made
            self.remembered[key] = dict(cuts), found  # with the cuts, so that no id is given away
        pairs = [(link.value, found[link.edge]) for link in links]
        return [torch.zeros_like(of, dtype=torch.float64) if one is None else one for of, one in pairs]

    def terms(self, edge: Edge, cuts: Mapping[Edge, Tensor]) -> list[Tensor]:
        """What arrives at an edge from each of its uses, in float64; zeros are none."""
        found, exact = {edge: list[Tensor]()}, {cut: widened(value) for cut, value in cuts.items()}
        self.graph.gradients([*map(widened, self.upstream)], [], exact, found)
        return [term for term in found[edge] if term.any()]

    def _order(self) -> list[int]:
        places = self.graph.places
        return sorted(range(len(self.links)), key=lambda index: places.get(self.links[index].edge.node, 0))

    def rows(self, links: Sequence[Quantity], cuts: Mapping[Edge, Tensor]) -> list[Row]:
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
            if not unfit(link, wrong):
                cuts[link.edge] = link.manual.expand(link.value.shape).to(link.value.dtype)
        return cuts

    def _below_unfit(
        self, links: Sequence[Quantity], wrong: set[Edge], cuts: Mapping[Edge, Tensor]
    ) -> dict[Edge, str]:
        """Whatever is fed by a link that one cannot judge by, and why."""
        found, edges = dict[Edge, str](), [link.edge for link in links]
        for link in (one for one in links if one.edge not in cuts):
            reason = f"its upstream gradient {link.manual_name} {unfit(link, wrong)}"
            found |= dict.fromkeys(self.graph.fed_by(link.edge, edges), reason)
        return found
