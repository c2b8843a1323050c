"""Single mistakes of a published backward: a line of it with one thing wrong, and what may be said of it."""

import ast
import copy
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple


class LineMistake(NamedTuple):
    """Where it is: a module's text with one statement replaced; its line, its class, and the statement."""

    subject: str
    line: int
    kind: str
    right: str
    wrong: str
    text: str


def mistakes_of(
    text: str, subject: str, backward: ast.FunctionDef, count: int, seed: int
) -> Iterator[LineMistake]:
    """So many mistakes of a function, drawn at random, each in a statement that makes a gradient."""
    drawn = random.Random(f"{seed} {subject}")
    names = _names(backward)
    statements = [
        one for one in ast.walk(backward) if isinstance(one, ast.Assign | ast.AugAssign | ast.Return)
    ]
    gradients = [one for one in statements if isinstance(one, ast.Return) or _makes_a_gradient(one)]
    seen: set[tuple[int, str]] = set()
    for _ in range(40 * count):
        statement = drawn.choice(gradients)
        found = list(_mistakes(statement, names))
        if not found:
            continue
        kind = drawn.choice(sorted({kind for kind, _ in found}))
        wrong = drawn.choice([made for own, made in found if own == kind])
        if wrong == ast.unparse(statement) or (statement.lineno, wrong) in seen:
            continue
        seen.add((statement.lineno, wrong))
        yield LineMistake(
            subject, statement.lineno, kind, ast.unparse(statement), wrong, _with(text, statement, wrong)
        )


def _with(text: str, statement: ast.stmt, wrong: str) -> str:
    lines = text.splitlines(keepends=True)
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    blank = ["\n"] * (last - first)  # so that every other line keeps its number
    return "".join([*lines[: first - 1], " " * statement.col_offset + wrong + "\n", *blank, *lines[last:]])


def _names(backward: ast.FunctionDef) -> list[str]:
    stored = [n.id for n in ast.walk(backward) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    found = dict.fromkeys([*(argument.arg for argument in backward.args.args), *stored])
    return [name for name in found if len(name) > 1 and name not in ("ctx", "cache", "caches", "saved")]


def _makes_a_gradient(statement: ast.Assign | ast.AugAssign) -> bool:
    target: ast.expr = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    while isinstance(target, ast.Subscript):
        target = target.value
    prefixes = ("d", "g", "nabla", "s", "local", "mean")
    return isinstance(target, ast.Name) and target.id.startswith(prefixes)


def _mistakes(statement: ast.stmt, names: list[str]) -> Iterator[tuple[str, str]]:
    for place, node in enumerate(ast.walk(statement)):
        for kind, change in _changes(node, names):
            made = copy.deepcopy(statement)
            at = list(ast.walk(made))[place]
            new = change(at)
            if new is not at:
                made = _Replaced(at, new).visit(made)
            yield kind, ast.unparse(ast.fix_missing_locations(made))
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
        yield "overwritten", f"{ast.unparse(statement.target)} = {ast.unparse(statement.value)}"
        other = "-=" if isinstance(statement.op, ast.Add) else "+="
        yield "sign", f"{ast.unparse(statement.target)} {other} {ast.unparse(statement.value)}"
    if isinstance(statement, ast.Assign) and not isinstance(statement.value, ast.Tuple):
        yield "sign", f"{ast.unparse(statement.targets[0])} = -({ast.unparse(statement.value)})"


Change = Callable[[ast.AST], ast.AST]


def _changes(node: ast.AST, names: list[str]) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.BinOp):
        yield from _of_an_operation(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", lambda at: at.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "number", lambda at: ast.Constant(at.value + 1)
        yield "number", lambda at: ast.Constant(2 * at.value)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        for other in names:
            if other != node.id:
                yield "name", lambda at, other=other: ast.Name(other, ast.Load())
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transpose", lambda at: at.value
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("sum", "mean")
    ):
        other = "mean" if node.func.attr == "sum" else "sum"
        yield "sum or mean", lambda at: ast.Call(ast.Attribute(at.func.value, other), at.args, at.keywords)
        if ast.unparse(node.func.value) != "torch":
            yield "missing sum", lambda at: at.func.value


def _of_an_operation(node: ast.BinOp) -> Iterator[tuple[str, Change]]:
    if isinstance(node.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "sign", lambda at: ast.BinOp(at.left, other, at.right)
        yield "missing term", lambda at: at.left
    if isinstance(node.op, ast.Mult | ast.Div):
        yield "missing factor", lambda at: at.left
    if isinstance(node.op, ast.Mult):
        yield "missing factor", lambda at: at.right
    if isinstance(node.op, ast.Pow):
        yield "power", lambda at: at.left


class _Replaced(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        """One node in place of another."""
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        """Below the node that is replaced nothing is."""
        return self.new if node is self.old else self.generic_visit(node)
