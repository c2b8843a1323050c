"""The formulas of a network's intermediates, taken apart: sums of products of names, and SoftPlus of a name.

FORMULAS of network.py is written in this form, and what can be read off it is: the parameters, the local
links, what rounding may do (rounding_bounds.py), and how far a gradient may bend (curvature.py).
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

DATA = ("inputs", "observed")
"""Names that a formula may use without a formula of their own, and that nothing is differentiated by."""

Terms = tuple[tuple[str, ...], ...]
"""A sum of products: ("w1", "inputs"), ("b1",) is w1 * inputs + b1."""


def softplus_of(formula: str) -> str | None:
    """The name that a formula takes the SoftPlus of, if it does: x1 of softplus(x1)."""
    found = re.fullmatch(r"softplus\((\w+)\)", formula)
    return found[1] if found else None


def terms_of(formula: str) -> Terms:
    """The terms of a sum, each the factors of a product.

    Errors: ValueError for a formula that is neither a sum of products of names nor the SoftPlus of a name
    """
    terms = tuple(tuple(term.split(" * ")) for term in formula.split(" + "))
    if not all(factor.isidentifier() for term in terms for factor in term):
        raise ValueError(f"expected a formula as in 'w1 * inputs + b1' or 'softplus(x1)', found {formula!r}")
    return terms


def names_in(formula: str) -> tuple[str, ...]:
    """Every name of a formula once, in the order in which it stands there."""
    of = softplus_of(formula)
    return (of,) if of else tuple(dict.fromkeys(factor for term in terms_of(formula) for factor in term))


def is_added(name: str, formula: str) -> bool:
    """Whether a name stands in a formula as a term of its own and nowhere else, so that its link is 1."""
    if softplus_of(formula):
        return False
    return [term for term in terms_of(formula) if name in term] == [(name,)]


def parameters_of(formulas: Mapping[str, str]) -> tuple[str, ...]:
    """What is neither data nor has a formula: the parameters, in the order of the forward pass."""
    names = dict.fromkeys(name for formula in formulas.values() for name in names_in(formula))
    return tuple(name for name in names if name not in formulas and name not in DATA)


def local_links(formulas: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Intermediate -> what it is differentiated by in one link of a chain, the last intermediate first."""
    return {
        output: tuple(name for name in names_in(formula) if name not in DATA)
        for output, formula in reversed(list(formulas.items()))
    }


class Node(NamedTuple):
    """A hidden node as docs/trajectory.md, section 3, has it: out · SoftPlus(a sum linear in the input)."""

    out: str
    terms: Terms


def straight_terms(formulas: Mapping[str, str]) -> Terms:
    """The terms of Predicted without a hidden node, which are linear in their parameter: b3, w · inputs."""
    return tuple(term for term in terms_of(formulas["predicted"]) if _is_straight(term, formulas))


def nodes(formulas: Mapping[str, str]) -> tuple[Node, ...]:
    """The other terms of Predicted, each a hidden node and the weight of its output.

    Errors: ValueError for a network of another shape, to which docs/trajectory.md does not apply
    """
    found = []
    for term in terms_of(formulas["predicted"]):
        if _is_straight(term, formulas):
            continue
        outputs = [name for name in term if name in formulas]
        x = softplus_of(formulas[outputs[0]]) if len(term) == 2 and len(outputs) == 1 else None
        if x is None or not all(_is_straight(part, formulas) for part in terms_of(formulas.get(x, x))):
            raise ValueError(
                "docs/trajectory.md bounds the descents of networks with one hidden layer of SoftPlus nodes, "
                f"found the term {' * '.join(term)!r}"
            )
        [out] = (name for name in term if name not in formulas)
        found.append(Node(out, terms_of(formulas[x])))
    return tuple(found)


def _is_straight(term: tuple[str, ...], formulas: Mapping[str, str]) -> bool:
    """Whether a term is a parameter, or a parameter times the input."""
    rest = [name for name in term if name != "inputs"]
    return len(rest) == 1 and rest[0] not in formulas and rest[0] not in DATA and len(term) - len(rest) <= 1
