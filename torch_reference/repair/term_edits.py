"""A factor, a term, a sign or a sum that was forgotten: edits of the terms of a line."""

import ast
from collections.abc import Iterator, Sequence

from torch_reference.repair.source_text import Source, TextEdit

REDUCED = (".sum(0)", ".sum(-1, keepdim=True)", ".sum(0, keepdim=True)", ".mean(-1, keepdim=True)", ".sum()")
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


def of_a_term(source: Source, term: ast.expr, names: Sequence[str], inside: bool) -> Iterator[TextEdit]:
    """What may be missing from one term, the whole of a line or one inside it."""
    begin, end = source.span(term)
    text = source.text(term)
    if isinstance(term, ast.Tuple | ast.Constant | ast.Starred):
        return
    tight = isinstance(term, (*LEAVES, ast.Constant))
    factor = text if tight or (isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult)) else f"({text})"
    whole = text if tight else f"({text})"
    yield TextEdit(begin, end, f"-{factor}", 3 if inside else 1)
    for number in ("2", "0.5"):
        yield TextEdit(begin, end, f"{number} * {factor}", 3)
    for name in names:
        yield TextEdit(begin, end, f"{factor} * {name}", 4)
        yield TextEdit(begin, end, f"{factor} / {name}", 4)
        yield TextEdit(begin, end, f"{text} + {name}", 5)
        yield TextEdit(begin, end, f"{text} - {name}", 5)
    for reduction in REDUCED:
        yield TextEdit(begin, end, f"{whole}{reduction}", 4)
