"""A factor, a term, a sign or a sum that was forgotten: edits of the terms of a line."""

import ast
from collections.abc import Iterator, Sequence

from torch_reference.repair.edits.source_text import Source, TextEdit

REDUCED = (
    ".sum(0)",
    ".sum(-1, keepdim=True)",
    ".sum(0, keepdim=True)",
    ".mean(-1, keepdim=True)",
    ".sum()",
    ".sum((0, 1))",
    ".sum(-1)",
    ".sum(1)",
    ".sum((0, 2, 3))",
    ".sum((0, 1, 2))",
)
SLOPES = ("({} > 0)", "(1 - {} ** 2)", "{0} * (1 - {0})")
"""The derivatives of ReLU by its input or output, of tanh and of sigmoid by their outputs."""
MADE = {"one_hot", "eye", "arange", "zeros", "ones", "zeros_like", "ones_like", "tril", "triu"}
LEAVES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)


def terms(value: ast.expr) -> Iterator[ast.expr]:
    """The whole, and the terms of a sum, to which a factor may have been forgotten."""
    yield value
    for node in ast.walk(value):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            yield from (node.left, node.right)
        if isinstance(node, ast.Tuple):
            yield from node.elts
        if isinstance(node, ast.Call):
            yield from node.args
            if isinstance(node.func, ast.Attribute):
                yield node.func.value


def of_a_term(source: Source, term: ast.expr, names: Sequence[str], value: ast.expr) -> Iterator[TextEdit]:
    """What may be missing from one term, the whole of a line's value or one inside it."""
    inside = term is not value
    begin, end = source.span(term)
    text = source.text(term)
    if isinstance(term, ast.Constant) and not inside:  # all of a line: the rest is missing
        for name in names:
            yield TextEdit(begin, end, f"{text} + {name}", 5, "term missing")
            yield TextEdit(begin, end, f"{text} - {name}", 5, "term missing")
    if isinstance(term, ast.Tuple | ast.Constant | ast.Starred):
        return
    tight = isinstance(term, (*LEAVES, ast.Constant))
    factor = text if tight or (isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult)) else f"({text})"
    whole = text if tight else f"({text})"
    if not isinstance(term, ast.UnaryOp):  # that sign is better left out
        yield TextEdit(begin, end, f"-{factor}", 2 if inside else 1, "wrong sign")
    for number in ("2", "0.5"):
        # After the names: a number that fits may be that of one of them.
        yield TextEdit(begin, end, f"{number} * {factor}", 5, "factor missing")
    for name in names:
        yield TextEdit(begin, end, f"{factor} * {name}", 4, "factor missing")
        yield TextEdit(begin, end, f"{factor} / {name}", 4, "factor missing")
        for root in ("*", "/"):
            yield TextEdit(begin, end, f"{factor} {root} {name} ** 0.5", 7, "factor missing")
        # Of ones in the columns of labels nothing was subtracted: that is done where they are used.
        # And nobody forgot what stands there already.
        rarer = 3 * (_only_makes(term) or (_has_term(term, name) or _has_term(value, name)))
        for sign in "+-":
            yield TextEdit(begin, end, f"{text} {sign} {name}", 5 + rarer, "term missing")
        if not inside:
            for slope in SLOPES:
                yield TextEdit(begin, end, f"{factor} * {slope.format(name)}", 5, "derivative missing")
            yield TextEdit(begin, end, f"{text} - {name}.mean(-1, keepdim=True)", 6, "term missing")
            yield TextEdit(begin, end, f"{text} - {name}.sum(-1, keepdim=True)", 6, "term missing")
    for reduction in REDUCED:
        yield TextEdit(begin, end, f"{whole}{reduction}", 4, "missing sum")


def _has_term(value: ast.expr, name: str) -> bool:
    """Whether a variable is one of the terms of a sum."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        return _has_term(value.left, name) or _has_term(value.right, name)
    return isinstance(value, ast.Name) and value.id == name


def _only_makes(term: ast.expr) -> bool:
    """Whether it is a call that makes zeros and ones of no numbers."""
    function = term.func if isinstance(term, ast.Call) else None
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in MADE


def factors(value: ast.expr) -> Iterator[ast.expr]:
    """The factors of a product, to which a term may have been forgotten."""
    for node in ast.walk(value):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult):
            yield from (side for side in (node.left, node.right) if isinstance(side, LEAVES))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            yield from (side for side in (node.left, node.right) if isinstance(side, ast.Constant))
            yield from (side for side in (node.left, node.right) if _is_a_power(side))


def of_a_factor(source: Source, factor: ast.expr, names: Sequence[str]) -> Iterator[TextEdit]:
    """1 − x and x − y for x; one factor more among others."""
    begin, end = source.span(factor)
    text = source.text(factor)
    yield TextEdit(begin, end, f"(1 - {text})", 4, "another function")
    if _is_a_power(factor):
        return
    for name in names:
        if name != text:
            yield TextEdit(begin, end, f"({text} - {name})", 6, "term missing")
            yield TextEdit(begin, end, f"({text} + {name})", 6, "term missing")


def _is_a_power(factor: ast.expr) -> bool:
    return isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Pow)
