"""The helpers that suspect lines call: where no edit of the lines mends it, one inside a helper may."""

import ast
from collections.abc import Iterable, Sequence
from types import CodeType

from torch_reference.repair.anew.rebuilt import Original
from torch_reference.repair.anew.remade import reached

MOST_HELPERS = 6


def helpers_called(original: Original, statements: Sequence[ast.stmt]) -> list[CodeType]:
    """The code of the user's functions that these statements call, and of those that they call in turn."""
    known = reached(original.top, classes=True) if original.top is not None else []

    def called(names: Iterable[str]) -> list[CodeType]:
        return [one.__code__ for name in names for one in known if one.__name__ == name]

    nodes = [node for one in statements for node in ast.walk(one)]
    found = called(name for node in nodes if isinstance(node, ast.Call) for name in _name(node.func))
    for code in found[:MOST_HELPERS]:
        found += called(code.co_names)
    return [code for code in dict.fromkeys(found) if code is not original.code][:MOST_HELPERS]


def _name(function: ast.expr) -> list[str]:
    if isinstance(function, ast.Name):
        return [function.id]
    return [function.attr] if isinstance(function, ast.Attribute) else []
