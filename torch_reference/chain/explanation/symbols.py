"""How a derivative is written: sympy's expressions, with sums, matrix products and transposes, as text."""

import re
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SUM = sympy.Function("Σ")
"""Over the dimensions that were broadcast, or that a softmax or norm runs over."""
PRODUCT = sympy.Function("matmul")
TURNED = sympy.Function("transposed")


def turned(made: Any) -> Any:
    """Transposed; what was transposed is as before, and of a product both factors are, in the other order.

    >>> a, b = sympy.symbols("a b")
    >>> turned(turned(a)), as_text(turned(PRODUCT(a, TURNED(b))))
    (a, 'b @ aᵀ')
    """
    if made.func is TURNED:
        return made.args[0]
    if made.func is PRODUCT:
        return PRODUCT(*(turned(factor) for factor in reversed(made.args)))
    return TURNED(made)


WHERE = sympy.Function("where")
"""1 where its argument is positive, 0 elsewhere."""


class _Text(StrPrinter):  # type: ignore[misc] # sympy has no types
    def _print_Function(self, made: Any) -> str:  # noqa: N802 # sympy looks it up by this name
        name, inside = made.func.__name__, [self._print(one) for one in made.args]
        if name == "matmul":
            return " @ ".join(_tight(text) for text in inside)
        if name == "transposed":
            return f"{_tight(inside[0])}ᵀ"
        if name == "where":
            return f"[{inside[0]} > 0]"
        if name == "is_largest":
            return f"[{inside[0]} = max]"
        return f"{name}({', '.join(inside)})"


class _Latex(LatexPrinter):  # type: ignore[misc] # sympy has no types
    def _print_Function(self, made: Any, exp: Any = None) -> str:  # noqa: N802 # as above
        name, inside = made.func.__name__, [self._print(one) for one in made.args]
        wrapped = [rf"\left({text}\right)" if re.search(r"[+-]", text) else text for text in inside]
        found = {
            "matmul": r"\,".join(wrapped),
            "transposed": f"{_base(wrapped[0])}^\\top",
            "where": rf"\left[{inside[0]} > 0\right]",
            "is_largest": rf"\left[{inside[0]} = \max\right]",
            "Σ": rf"\sum {wrapped[0]}",
            "sum_from_here_on": rf"\sum_{{\geq}} {wrapped[0]}",
        }.get(name)
        if found is None:
            return str(super()._print_Function(made, exp))
        return found if exp is None else rf"\left({found}\right)^{{{exp}}}"


def _base(text: str) -> str:
    """What an exponent can stand behind."""
    return rf"\left({text}\right)" if "^" in text or "frac" in text else text


def as_text(made: Any) -> str:
    """In Unicode, on one line.

    >>> x = sympy.Symbol("x")
    >>> as_text(2 * x * (1 - sympy.tanh(x) ** 2))
    '2·x·(1 - tanh²(x))'
    """
    text = _Text({"order": "none"}).doprint(made)
    text = re.sub(r"(\w+)(\((?:[^()]|\([^()]*\))*\))\*\*(\d+)", _raised, text)
    text = re.sub(r"\*\*(?:\((-?\d+)\)|(\d+))", _superscript, text)
    return text.replace("sqrt(", "√(").replace("**", "^").replace("*", "·")


def as_latex(made: Any, names: dict[Any, str]) -> str:
    """For a paper, with ∂L/∂x for every gradient.

    >>> x, d_y = sympy.symbols("x d_y")
    >>> as_latex(2 * x * d_y, {d_y: "y"})
    '2 \\\\frac{\\\\partial L}{\\\\partial y} x'
    """
    shown = {symbol: rf"\frac{{\partial L}}{{\partial {_word(name)}}}" for symbol, name in names.items()}
    return str(_Latex({"symbol_names": shown}).doprint(made))


def _word(name: str) -> str:
    plain = name.replace("_", r"\_")
    return plain if len(name) == 1 else rf"\mathrm{{{plain}}}"


def _superscript(found: re.Match[str]) -> str:
    return (found[1] or found[2]).translate(SUPERSCRIPTS)


def _raised(found: re.Match[str]) -> str:
    return f"{found[1]}{found[3].translate(SUPERSCRIPTS)}{found[2]}"


def _tight(text: str) -> str:
    """In brackets, unless it is one word."""
    return text if re.fullmatch(r"[\w.\[\]'ᵀ]+", text) else f"({text})"
