"""Lines that are written like another one of the function, with other names: few people slip twice alike."""

import ast
import re
from collections import Counter
from collections.abc import Sequence

NAME = re.compile(r"\bid='\w*'")
FEWEST_OPERATIONS = 2
"""Shorter ones, x.T @ dy, are written alike by chance."""


def twin_lines(statements: Sequence[ast.stmt]) -> set[ast.stmt]:
    """Those that are another one but for their names.

    >>> body = ast.parse("di = i * (1 - i) * a\\ndf = f * (1 - f) * b\\ndo = o * (1 + o) * c").body
    >>> sorted(one.lineno for one in twin_lines(body))
    [1, 2]
    """
    written = {one: _without_names(one) for one in statements if isinstance(one, ast.Assign | ast.AugAssign)}
    often = Counter(written.values())
    return {one for one, text in written.items() if text and often[text] > 1}


def _without_names(statement: ast.Assign | ast.AugAssign) -> str:
    nodes = list(ast.walk(statement.value))
    if sum(isinstance(node, ast.BinOp | ast.Call) for node in nodes) < FEWEST_OPERATIONS:
        return ""
    return NAME.sub("id=''", ast.dump(statement.value))
