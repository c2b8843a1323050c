"""Another function of the user's in the place of one that a line calls: sigmoid for sigmoid_prime."""

import ast
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from torch_reference.repair.edits.source_text import Source, TextEdit
from torch_reference.repair.suspect_lines import header


def called_functions(source: Source, statement: ast.stmt, around: Mapping[str, Any]) -> Iterator[TextEdit]:
    """Functions of one module that take as much, and whose names begin alike; around are its globals."""
    for node in ast.walk(header(statement) or statement):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        given = around.get(node.func.id)
        if type(given) is not FunctionType:
            continue
        for other, function in around.items():
            if function is not given and type(function) is FunctionType and _are_alike(given, function):
                yield TextEdit(*source.span(node.func), other, 2, "another function")


def _are_alike(one: FunctionType, other: FunctionType) -> bool:
    first, then = sorted((one.__name__, other.__name__), key=len)
    counts = one.__code__.co_argcount, other.__code__.co_argcount
    return one.__module__ == other.__module__ and counts[0] == counts[1] and then.startswith(first)
