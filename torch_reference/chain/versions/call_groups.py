"""A helper's call in the backward pass beside its call in the forward pass: which names belong together."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from torch_reference.chain.graph import Graph, edge_of
from torch_reference.chain.names import INPUTS, OUTPUTS, named_pairs, stems
from torch_reference.chain.recording.calls import Call
from torch_reference.chain.recording.tracing import Made
from torch_reference.chain.recording.values import identity_of
from torch_reference.chain.versions.alignment import Aligned, Way, by_keys, ways
from torch_reference.judging.calls.nests import is_numeric_array

Named = dict[str, list[Made]]
Key = tuple[int | None, str]
"""The call of the backward pass, and the gradient's name there; None for what is in no helper's call."""


@dataclass(frozen=True)
class Group:
    """A helper's call in the backward pass, and that of the forward pass to which it belongs.

    Of what is in no helper both calls are None. here and given are the versions made in them, by name, first
    is the first version in the backward pass of each identity, and known are those of the forward pass.
    """

    forward: Call | None
    backward: Call | None
    here: Named
    given: Named
    label: str
    first: Mapping[tuple[int, int], Made]
    known: Collection[tuple[int, int]]

    def named_ways(self, graph: Graph) -> Iterator[tuple[Key, str, list[Way]]]:
        """The ways in which the versions of each name may be paired, and the quantity's name."""
        call = self.backward.number if self.backward else None
        paired = {**by_keys(self.here, self.given), **named_pairs(list(self.here), self.given)}
        for manual, name in paired.items():
            found = ways(self.here[name], self.given[manual])
            yield (call, manual), name, [self._labelled(way) for way in found]
        pair = self.unnamed(graph)
        if pair is not None and pair.manual.name not in paired:
            yield (call, pair.manual.name), pair.forward.name, [self._labelled((pair,))]
        back = self._handed_back(graph)
        if back is not None and back.manual.name not in paired and (pair is None or pair[:2] != back[:2]):
            yield (call, f"{back.manual.name}, returned"), back.forward.name, [self._labelled((back,))]

    def _handed_back(self, graph: Graph) -> Aligned | None:
        """The one quantity that a helper was called with, and the one gradient that its backward returned.

        Or kept, as an attribute with such a name: self.dinputs.
        """
        if self.forward is None or self.backward is None:
            return None
        edges = {edge_of(one) for one in self.forward.given if isinstance(one, Tensor)}
        ours = [edge for edge in edges if edge and edge.node in graph.places]
        returned = {identity_of(one) for one in self.backward.returned if _is_floating(one)} & set(self.first)
        theirs = [self.first[one] for one in returned] or self._kept(INPUTS)
        if len(ours) != 1 or len(theirs) != 1:
            return None
        every = [made for versions in self.here.values() for made in versions if made.edge == ours[0]]
        fits = every and every[0].value.shape == theirs[0].value.shape
        return Aligned(every[0], theirs[0], "") if fits and not (returned and theirs[0].owner) else None

    def _kept(self, names: Collection[str]) -> list[Made]:
        """The last version of the attribute that is named like the gradient of one of these."""
        given = [manual for manual in self.given if set(stems(manual)) & set(names)]
        return [made for manual in given for made in self.given[manual][-1:] if made.owner]

    def _labelled(self, way: Way) -> Way:
        return tuple(pair._replace(label=f"{self.label}{pair.label}") for pair in way)

    def unnamed(self, graph: Graph) -> Aligned | None:
        """What a helper returned first, and the one gradient that its backward was handed."""
        if self.forward is None or self.backward is None:
            return None
        outputs = [(value, edge_of(value)) for value in self.forward.returned if isinstance(value, Tensor)]
        if not outputs:
            kept = [made for name in OUTPUTS for made in self.here.get(name, ())[-1:] if made.owner]
            outputs = [(made.value, made.edge) for made in kept]
        if not outputs or outputs[0][1] is None or outputs[0][1].node not in graph.places:
            return None
        [value, edge], code = outputs[0], self.forward.code
        handed = [one for one in self.backward.given if _is_floating(one)]
        identities = {identity_of(one) for one in handed}.difference(self.known)
        every = [made for versions in self.given.values() for made in versions]
        found = [one for one in every if one.identity in identities and one.value.shape == value.shape]
        if len(found) != 1 or found[0].owner:
            return None
        copy = value.detach().clone()
        ours = Made(f"{code.co_name}()", -1, copy, edge, identity_of(value), code, code.co_firstlineno)
        return Aligned(ours, found[0], "")


def _is_floating(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_floating_point()
    return is_numeric_array(value) and value.dtype.kind == "f"
