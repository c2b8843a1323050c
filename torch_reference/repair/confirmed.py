"""What something right was made of: no line of it is one that only a wrong link needs."""

import ast
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from torch_reference.repair.suspect_lines import read, stands_at, written


class Right(NamedTuple):
    """The lines that made what is right and nothing wrong, and the inputs whose gradients are right."""

    lines: Collection[int] = ()
    returned: Collection[str] = ()


NOTHING = Right()


def confirmed_by(right: Right, statements: Sequence[ast.stmt], here: Collection[int]) -> set[str]:
    """The variables of one value that right links need, but for what they need by way of the wrong ones.

    here are the lines of these. Among them are those that nothing needs.
    """
    made = Counter(name for one in statements for name in written(one))
    waiting = [read(one) for one in statements if stands_at(one, right.lines)]
    waiting += [_names(part) for one in statements for part in _returned(one, right.returned)]
    found = set(made).difference(*map(read, statements))
    while waiting:
        names = {name for name in waiting.pop() - found if made[name] < 2}
        found |= names
        waiting += [read(one) for one in statements if names & written(one) and not stands_at(one, here)]
    return found


def _returned(statement: ast.stmt, inputs: Collection[str]) -> list[ast.expr]:
    """What a return hands out as the gradients of these inputs; it may hand out wrong ones beside."""
    value = statement.value if isinstance(statement, ast.Return) else None
    if isinstance(value, ast.Tuple):
        return [part for place, part in enumerate(value.elts) if f"inputs[{place}]" in inputs]
    if not isinstance(value, ast.Dict):
        return []
    pairs = zip(value.keys, value.values, strict=True)
    return [part for key, part in pairs if isinstance(key, ast.Constant) and key.value in inputs]


def _names(value: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
