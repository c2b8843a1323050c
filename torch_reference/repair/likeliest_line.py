"""Of the lines that may have made a wrong link, and that no edit told apart, the one with most to get wrong.

`d_x = slope * d_y` can hardly be wrong, and the line that made the slope can be wrong in many ways. And who
gives another name to what there is, `carry = d_h`, may have left something out.
"""

import ast
from collections.abc import Collection, Iterator, Sequence

from torch_reference.repair.suspect_lines import header, makes_nothing, read, stands_at, written

COPY = 2
"""How much there is to get wrong where a value only gets another name."""
FORGOTTEN, MEANT_OTHERWISE = 10, 100
"""Nobody writes x = x, nor y = x where x and y are read in one line."""
LOSSES = {"loss", "cost", "L", "J", "E"}
"""Nobody forgot to read these in a backward pass."""
ROOM = {"zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like", "new_zeros"}


def likeliest_first(
    statements: Sequence[ast.stmt],
    here: Collection[int],
    confirmed: Collection[str] = (),
    forgotten: int | None = None,
    right: Collection[int] = (),
) -> tuple[int, ...]:
    """The lines of suspect statements: that with most operations first, then those nearest to the links.

    here are the lines that made the wrong links: of two with as many operations they come first. confirmed
    are the variables of which something right was made, right the lines that made it: none of theirs is
    among them, nor one that only returns others beside. forgotten is the line that makes what no line reads:
    it is missing from one below.
    """

    def is_suspect(statement: ast.stmt) -> bool:
        is_confirmed = written(statement) and written(statement) <= set(confirmed)
        is_others = is_confirmed or stands_at(statement, right) or _returns_several(statement)
        return stands_at(statement, here) or not is_others

    def weight(statement: ast.stmt) -> float:
        is_here = stands_at(statement, here)
        condition = header(statement)
        if condition is not None:
            return any(isinstance(node, ast.Compare | ast.BinOp) for node in ast.walk(condition))
        if makes_nothing(statement) or _is_read_beside_its_original(statement, statements):
            return MEANT_OTHERWISE
        operations = max(sum(map(_is_operation, _computed(part))) for part in _parts(statement))
        below = FORGOTTEN * (forgotten is not None and statement.lineno > forgotten)
        return operations + COPY * _renames(statement) + 0.5 * is_here + below

    ordered = sorted(enumerate(filter(is_suspect, statements)), key=lambda pair: (-weight(pair[1]), pair[0]))
    return tuple(dict.fromkeys(statement.lineno for _, statement in ordered))


def unread(statements: Sequence[ast.stmt]) -> dict[str, int]:
    """The variables that a line of their own makes, and that no other line reads, with their lines."""
    lone = [one for one in statements if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)]
    made = {name: one.lineno for one in lone for name in written(one)}
    known = LOSSES.union(*(read(one) for one in statements))
    return {name: line for name, line in made.items() if name not in known}


def _returns_several(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Return) else None
    parts = (
        value.elts if isinstance(value, ast.Tuple) else value.values if isinstance(value, ast.Dict) else []
    )
    return sum(not (isinstance(part, ast.Constant) and part.value is None) for part in parts) > 1


def _parts(statement: ast.stmt) -> list[ast.AST]:
    """The statement, or of x, y = a, b the two of which it is made."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Tuple):
        return [statement]
    return list(statement.value.elts) if isinstance(statement.value, ast.Tuple) else [statement]


def _computed(statement: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of a call that only makes room: its shape shows at once if it is wrong."""
    yield statement
    for child in ast.iter_child_nodes(statement):
        if not (isinstance(child, ast.Call) and _name(child.func) in ROOM):
            yield from _computed(child)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_operation(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp):  # -1 may be an axis
        return not isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.BinOp | ast.Call | ast.Compare | ast.Slice | ast.AugAssign)


def _is_read_beside_its_original(statement: ast.stmt, statements: Sequence[ast.stmt]) -> bool:
    """Whether it gives a variable another name, and one line reads both."""
    if not _renames(statement):
        return False
    both = written(statement) | read(statement)
    return any(both <= read(other) for other in statements if other is not statement)


def _renames(statement: ast.stmt) -> bool:
    """Whether it gives one variable another name: x = y, x = y.clone()."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return False
    value = statement.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "clone":
        value = value.func.value
    return isinstance(value, ast.Name)
