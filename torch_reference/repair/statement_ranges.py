"""From one statement of a function to another, in a block in which both stand."""

import ast
from collections.abc import Iterator, Sequence


def from_to(body: Sequence[ast.stmt], suspect: ast.stmt, line: int) -> Iterator[tuple[list[ast.stmt], bool]]:
    """The statements from a suspect one to that of a line, and whether they are in a loop.

    First of the innermost block, then of those around it; of a suspect that only hands on what the line made,
    it alone. What a loop adds up is wrong in a way that shows only after its last round.
    """
    for block, in_loop in reversed(list(_blocks(body, suspect, in_loop=False))):
        here = [number for number, one in enumerate(block) if any(node is suspect for node in ast.walk(one))]
        there = [number for number, one in enumerate(block) if one.lineno <= line <= (one.end_lineno or 0)]
        if suspect.lineno > line:
            there = here
        if not there or there[0] < here[0]:
            continue
        found = list(block[here[0] : there[0] + 1])
        if not (in_loop and _adds_up(found[-1])) and not _leaves(found):
            yield found, in_loop


def _adds_up(statement: ast.stmt) -> bool:
    """Whether what a statement makes depends on what it made in the round before, or is a part of it."""
    if not isinstance(statement, ast.Assign):
        return True
    if any(isinstance(target, ast.Subscript) for target in statement.targets):
        return True
    targets = {ast.unparse(target) for target in statement.targets}
    return any(ast.unparse(node) in targets for node in ast.walk(statement.value))


def _leaves(statements: Sequence[ast.stmt]) -> bool:
    """Whether they leave their block somewhere else than at the end of the last one."""
    inside = [node for one in statements for node in ast.walk(one) if node is not statements[-1]]
    return any(isinstance(node, ast.Return | ast.Yield | ast.FunctionDef) for node in inside)


def _blocks(
    body: Sequence[ast.stmt], suspect: ast.stmt, in_loop: bool
) -> Iterator[tuple[Sequence[ast.stmt], bool]]:
    """The lists of statements in which one stands, the outermost first, and whether they run in rounds."""
    if not any(node is suspect for one in body for node in ast.walk(one)):
        return
    yield body, in_loop
    for one in body:
        for part in ("body", "orelse", "finalbody"):
            yield from _blocks(
                getattr(one, part, []), suspect, in_loop or isinstance(one, ast.For | ast.While)
            )
