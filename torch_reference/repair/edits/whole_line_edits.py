"""Edits of all that a line computes: a factor or a term more, two names exchanged, a sum at indices."""

import ast
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from torch_reference.repair.edits.source_text import Source, TextEdit

FACTORS = ("{}[:, None]", "{}[..., None]", "(1 - {})", "{} ** 2", "{}.log()")
DIVISORS = ("{} ** 2", "{}[:, None]", "{}[..., None]", "len({})")
MATRICES = ("{0} @ {1}", "{0}.T @ {1}", "{1} @ {0}", "{1} @ {0}.T")
FEW, FEWER = 12, 9
"""So many names at most for products of two of them to be tried as terms, of matrices and by element."""


def whole_line_edits(source: Source, statement: ast.stmt, names: Sequence[str]) -> Iterator[TextEdit]:
    """Every such edit of a statement; names are those that may be put in."""
    yield from _of_repeated_indices(source, statement)
    value = getattr(statement, "value", None)
    if isinstance(value, ast.expr) and not isinstance(value, ast.Tuple):
        yield from _of_the_whole(source, value, names)
        yield from _exchanged(source, value)


def _of_repeated_indices(source: Source, statement: ast.stmt) -> Iterator[TextEdit]:
    """np.add.at(x, i, y) for x[i] = y and x[i] += y, of which an index that occurs twice keeps the last."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    if isinstance(statement, ast.Assign | ast.AugAssign) and isinstance(target, ast.Subscript):
        parts = (source.text(part) for part in (target.value, target.slice, statement.value))
        begin, end = source.span(statement)
        yield TextEdit(begin, end, f"np.add.at({', '.join(parts)})", 4, "repeated index overwritten")


def _of_the_whole(source: Source, value: ast.expr, names: Sequence[str]) -> Iterator[TextEdit]:
    begin, end = source.span(value)
    text = source.text(value)
    clone = text.removesuffix(".clone()")
    whole = clone if clone.isidentifier() or not isinstance(value, ast.BinOp) else f"({text})"
    for name in names:
        for factor in FACTORS:
            yield TextEdit(begin, end, f"{whole} * {factor.format(name)}", 6, "factor missing")
        for divisor in DIVISORS:
            yield TextEdit(begin, end, f"{whole} / {divisor.format(name)}", 6, "factor missing")
        for product in MATRICES:
            yield TextEdit(begin, end, product.format(name, whole), 6, "factor missing")
    yield TextEdit(begin, end, f"3 * {whole}", 6, "factor missing")
    if clone.isidentifier():
        yield TextEdit(begin, end, f"0.5 * ({clone} + {clone}.T)", 6, "term missing")
    short = [name for name in names if name.isidentifier()]
    if len(short) <= FEWER:
        for one, other in combinations(short, 2):
            yield TextEdit(begin, end, f"{text} + {one} * {other}", 8, "term missing")
            yield TextEdit(begin, end, f"{whole} * {one} * {other}", 8, "factor missing")
    if len(short) <= FEW:
        for one, other in permutations(short, 2):
            yield TextEdit(begin, end, f"{text} + {one}.T @ {other}", 9, "term missing")


def _exchanged(source: Source, value: ast.expr) -> Iterator[TextEdit]:
    """Two names of the line, each wherever the other one is."""
    begin, end = source.span(value)
    places = [(source.span(node), node.id) for node in ast.walk(value) if isinstance(node, ast.Name)]
    for one, other in combinations(sorted({name for _, name in places}), 2):
        text, last = "", begin
        for (start, stop), name in sorted(places):
            swapped = {one: other, other: one}.get(name, name)
            text += source.bytes[last:start].decode() + swapped
            last = stop
        yield TextEdit(begin, end, text + source.bytes[last:end].decode(), 4, "another order")
