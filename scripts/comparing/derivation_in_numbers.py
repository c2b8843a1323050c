"""The derivation in numbers, as one does it with a pencil: each term of each observation, then the sums."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from manual_backprop.lesson.gradient import CHAINS, DERIVATIVES
from manual_backprop.lesson.trace import Trace
from torch_reference.lesson.formulas import softplus_of
from torch_reference.lesson.network import FORMULAS

WORDS = {"inputs": "Input", "predicted": "Predicted", "*": "·"}
"""How a formula's words read on paper."""


@dataclass(frozen=True)
class Line:
    """One quantity: its formula, its value at each observation, and its sum where it has one."""

    name: str
    formula: str
    values: Tensor
    total: float | None = None


@dataclass(frozen=True)
class Part:
    """Some lines under a title."""

    title: str
    lines: tuple[Line, ...]


def in_numbers(trace: Trace, wrt: Sequence[str]) -> list[Part]:
    """Forward pass, links and products of one network, in the order in which they are computed.

    Shapes: the trace of one network: parameters (), data (n)
    """
    squares = trace.residual * trace.residual
    forward = [
        Line("inputs", "Input", trace.inputs),
        *(Line(name, on_paper(name), getattr(trace, name)) for name in FORMULAS),
        Line("observed", "Observed", trace.observed),
        Line("residual", "Residual = Observed − Predicted", trace.residual),
        Line("ssr", "Residual², whose sum is the SSR", squares, trace.ssr.item()),
    ]
    chain = dict.fromkeys(link for name in wrt for link in CHAINS[name])
    links = [Line(link.__name__, formula_of(link), link(trace)) for link in chain]
    products = [_product(name, trace) for name in wrt]
    return [
        Part("Forward pass", tuple(forward)),
        Part("Links of the chain, from the SSR backwards", tuple(links)),
        Part("Products of the links, and their sums over the observations", tuple(products)),
    ]


def on_paper(name: str) -> str:
    """An intermediate and its formula, such as x1 = w1 · Input + b1."""
    of = softplus_of(FORMULAS[name])
    formula = f"log(1 + exp({of}))" if of else FORMULAS[name]
    return " ".join(WORDS.get(word, word) for word in (name, "=", *formula.split()))


def formula_of(link: Callable[[Trace], Tensor]) -> str:
    """The first and the last side of the formula in a link's docstring, without the indices."""
    text = (link.__doc__ or "").partition("Formula:")[2].partition("Shapes:")[0]
    sides = " ".join(text.replace("ᵢ", "").split()).split(" = ")
    return f"{sides[0]} = {sides[-1]}" if len(sides) > 1 else link.__name__


def _product(name: str, trace: Trace) -> Line:
    """A chain's product: what reaches the last link, times the last link."""
    *before, last = CHAINS[name]
    upstream = [link for link in before if link.__name__.startswith("d_ssr_d_")][-1]
    sides = [formula_of(link).partition(" = ")[0] for link in (upstream, last)]
    total = DERIVATIVES[name](trace).item()
    return Line(name, f"∂SSR/∂{name}: {' · '.join(sides)}", upstream(trace) * last(trace), total)
