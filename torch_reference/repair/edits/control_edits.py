"""Edits of what decides how often a line runs: the numbers that a loop runs over, and their order."""

import ast
from collections.abc import Iterator

from torch_reference.repair.edits.source_text import Source, TextEdit

ROUNDS = "another number of rounds"


def control_edits(source: Source, condition: ast.expr) -> Iterator[TextEdit]:
    """One round more or less at either end of a range, and its rounds from the last to the first."""
    begin, end = source.span(condition)
    text = source.text(condition)
    if _calls(condition, "reversed"):
        yield TextEdit(begin, end, source.text(condition.args[0]), 3, "another order")  # type: ignore[attr-defined] # it is a call
    elif isinstance(condition, ast.Call):
        yield TextEdit(begin, end, f"reversed({text})", 4, "another order")
    for node in ast.walk(condition):
        if not _calls(node, "range"):
            continue
        bounds = node.args  # type: ignore[attr-defined] # it is a call
        stop = bounds[0 if len(bounds) == 1 else 1]
        for more in (" - 1", " + 1"):
            yield TextEdit(*source.span(stop), source.text(stop) + more, 2, ROUNDS)
        if len(bounds) == 1:
            yield TextEdit(*source.span(stop), f"1, {source.text(stop)}", 2, ROUNDS)
        elif len(bounds) == 2:
            yield TextEdit(*source.span(bounds[0]), "0", 2, ROUNDS)


def _calls(node: ast.AST, name: str) -> bool:
    is_it = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    return is_it and bool(node.args)  # type: ignore[attr-defined] # it is a call
