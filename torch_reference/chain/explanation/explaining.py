"""The right derivative of a link: from the graph of the forward pass, in words and as a formula."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import sympy
import torch
from torch import Tensor

from torch_reference.chain.explanation.added_numbers import with_its_number
from torch_reference.chain.explanation.node_rules import RULES
from torch_reference.chain.explanation.node_step import Step, is_plain, operation_of, saved_input
from torch_reference.chain.explanation.node_values import VALUES
from torch_reference.chain.explanation.symbols import SUM, as_latex, as_text
from torch_reference.chain.explanation.words import in_words
from torch_reference.chain.graph import Edge, Graph
from torch_reference.chain.quantity import Quantity

MOST_NODES = 40
BROADCAST = {"Mul", "Div", "Add", "Sub", "Addmm", "Expand"}
NOT_KNOWN = "not known here"


class Explanation(NamedTuple):
    """The derivative of one link: a sentence, and the formula for a terminal and for a paper."""

    name: str
    words: str
    text: str
    latex: str

    def __str__(self) -> str:
        """Three lines, or one where nothing is known."""
        if not self.text:
            return f"{self.name}: {self.words}"
        words = textwrap.wrap(self.words, 78, initial_indent="  ", subsequent_indent="  ")
        return "\n".join([self.text, *words, f"  {self.latex}"])


class _UnknownError(Exception):
    """An operation, or a factor, that has no name here."""


class Explainer:
    """The links of a chain by their edges, and the values that have a name without being links."""

    def __init__(self, graph: Graph, links: Sequence[Quantity], named: Mapping[str, Tensor]) -> None:
        """Look up who uses what."""
        self.graph, self.named = graph, named
        self.values = {link.edge: link for link in links}
        self.uses: dict[Edge, list[tuple[Any, int]]] = {}
        for node in graph.order:
            for number, edge in enumerate(graph.next[node]):
                if edge is not None:
                    self.uses.setdefault(edge, []).append((node, number))
        self.gradients: dict[Any, str] = {}
        self.nodes = 0

    def explain(self, link: Quantity) -> Explanation:
        """The right derivative of a link by the gradients of the links above it.

        What is made of operations without a rule here is not known here.
        """
        self.gradients, self.nodes = {}, 0
        name = re.sub(r"\W+", "_", link.manual_name)
        try:
            found = self._arriving(link.edge)
            words = "; ".join(dict.fromkeys(self._words(link.edge)))
            target = sympy.Symbol(name)
            self.gradients[target] = link.name
            left, right = (as_latex(made, self.gradients) for made in (target, found))
            return Explanation(
                link.name, f"It is {words}.", f"{name} = {as_text(found)}", f"{left} = {right}"
            )
        except Exception:  # of a graph that is the user's
            return Explanation(link.name, NOT_KNOWN, "", "")

    def _arriving(self, edge: Edge) -> Any:
        """The sum of what every use hands back."""
        self.nodes += 1
        uses = self.uses.get(edge, [])
        if self.nodes > MOST_NODES or not (uses or edge in self.graph.roots):
            raise _UnknownError
        terms = [self._handed_back(node, number, edge) for node, number in uses]
        return sum(terms) + (self._of_root(edge) if edge in self.graph.roots else 0)

    def _of_root(self, edge: Edge) -> Any:
        is_loss = len(self.graph.roots) == 1 and not tuple(edge.node._input_metadata[edge.number].shape)
        return sympy.Integer(1) if is_loss else self._gradient("upstream", "upstream")

    def _gradient(self, manual: str, name: str) -> Any:
        symbol = sympy.Symbol(re.sub(r"\W+", "_", manual))
        self.gradients[symbol] = name
        return symbol

    def _handed_back(self, node: Any, number: int, edge: Edge) -> Any:
        operation, out = operation_of(node), Edge(node, 0)
        if operation not in RULES:
            raise _UnknownError
        link = self.values.get(out)
        above = self._gradient(link.manual_name, link.name) if link else self._arriving(out)
        value, made = partial(self._value_of_input, node), partial(self._value, out)
        found = RULES[operation](Step(above, value, made, number, node))
        if operation in ("Add", "Sub") and number == 1:
            found *= sympy.nsimplify(getattr(node, "_saved_alpha", 1))
        return SUM(found) if _is_broadcast(edge, node) else found

    def _value(self, edge: Edge) -> Any:
        """A name, or the operation that made it."""
        if edge in self.values:
            return sympy.Symbol(self.values[edge].name)
        operation = operation_of(edge.node)
        if not self.graph.next.get(edge.node) and hasattr(edge.node, "variable"):
            return self._named(edge.node.variable)
        with suppress(_UnknownError):  # a variable that is no link has a name all the same
            if isinstance(result := getattr(edge.node, "_saved_result", None), Tensor):
                return self._named(result)
        if operation == "Rsqrt" and sum(operation_of(node) == "Rsqrt" for node in self.graph.order) == 1:
            return sympy.Symbol("rstd")  # as in the other norms
        if operation == "Pow":
            return self._value_of_input(edge.node, 0) ** sympy.nsimplify(edge.node._saved_exponent)
        if operation not in VALUES or not is_plain(edge.node):
            raise _UnknownError
        inputs = range(len(self.graph.next[edge.node]))
        return VALUES[operation](*(self._value_of_input(edge.node, place) for place in inputs))

    def _value_of_input(self, node: Any, place: int) -> Any:
        """What a node was given, by name; a number as it is."""
        edge, value = self.graph.next[node][place], saved_input(node, place, len(self.graph.next[node]))
        if edge is None:
            if value is None:
                raise _UnknownError
            return self._named(value)
        found = self._with_a_number(edge, value)
        return self._value(edge) if found is None else found

    def _with_a_number(self, edge: Edge, made: Tensor | None) -> Any:
        """x + 1, of which the graph keeps no more than x, and that which follows the value."""
        below = [one for one in self.graph.next.get(edge.node, ()) if one is not None]
        link = self.values.get(below[0]) if len(below) == 1 else None
        if made is None or link is None or edge in self.values:
            return None
        return with_its_number(operation_of(edge.node), sympy.Symbol(link.name), link.value, made.detach())

    def _named(self, value: Tensor) -> Any:
        if value.numel() == 1 and value.ndim == 0:
            return sympy.nsimplify(value.item(), rational=True)
        known = {**{link.name: link.value for link in self.values.values()}, **self.named}
        for name, other in known.items():
            if other.shape == value.shape and torch.equal(other.to(value.dtype), value.detach()):
                return sympy.Symbol(name)
        raise _UnknownError

    def _words(self, edge: Edge, phrases: tuple[str, ...] = ()) -> list[str]:
        """A phrase for every path to a link above."""
        found = []
        for node, number in self.uses.get(edge, []):
            summed = "summed over what was broadcast" if _is_broadcast(edge, node) else ""
            here = (in_words(operation_of(node), number), summed, *phrases)
            link = self.values.get(Edge(node, 0))
            if link is not None:
                said = ", ".join(dict.fromkeys(filter(None, here))) or "as it is"
                found.append(f"the gradient of {link.name}, {said}")
            else:
                found += self._words(Edge(node, 0), here)
        if edge in self.graph.roots:
            said = ", ".join(dict.fromkeys(filter(None, phrases))) or "as it is"
            found.append(f"what comes from above, {said}")
        return found


def explained(
    graph: Graph, links: Sequence[Quantity], named: Mapping[str, Tensor], chosen: Sequence[str]
) -> str:
    """The right derivatives of the chosen links, by their names or their gradients'.

    Formula: ∂L/∂x = Σ over the uses of x of what each hands back of the gradient above it
    Source:  the graph of the forward pass, operation by operation; sympy writes it
    """
    explainer = Explainer(graph, links, named)
    found = [link for link in links if link.name in chosen or link.manual_name in chosen]
    return "\n\n".join(dict.fromkeys(str(explainer.explain(link)) for link in found))


def _is_broadcast(edge: Edge, node: Any) -> bool:
    """Whether a smaller tensor was used for a larger one; a matrix product's factors are no such thing."""
    operation = operation_of(node)
    small, large = (
        tuple(form.shape) for form in (edge.node._input_metadata[edge.number], node._input_metadata[0])
    )
    return operation in BROADCAST and small != large and (operation != "Addmm" or len(small) < len(large))
