"""A user's function with another text of one of its lines: made anew, the user's own left as it is."""

import ast
import linecache
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any

from torch_reference.repair.source_text import Source


class Original:
    """The source of a function that is to be edited, and the function through which it is reached."""

    def __init__(self, top: Callable[..., Any], code: CodeType) -> None:
        """Take the function that the user gave, and the code of the line: its own, or a helper's.

        Errors: LookupError for what has no source, or is reached in a way that cannot be rebuilt
        """
        self.top = plain(top)
        self.code = code
        self.file = code.co_filename
        lines = linecache.getlines(self.file)
        if not lines or self.top is None:
            raise LookupError("there is no source")
        self.text = "".join(lines)
        self.source = Source(self.text)
        self.outermost = self._outermost(ast.parse(self.text))
        self.helper = self._helper() if self.top.__code__ is not code else ""

    def _outermost(self, tree: ast.Module) -> ast.stmt:
        for statement in tree.body:
            if first_line(statement) <= self.code.co_firstlineno <= (statement.end_lineno or 0):
                return statement
        raise LookupError("the source is not what ran")

    def _helper(self) -> str:
        """The name of a function of the same module, which the function calls by this name."""
        assert self.top is not None
        for name, value in self.top.__globals__.items():
            if isinstance(value, FunctionType) and value.__code__ is self.code:
                return name
        raise LookupError("the helper is reached in a way that cannot be rebuilt")

    def statements(self) -> list[ast.stmt]:
        """The statements of the code, without those of functions inside it."""
        for node in ast.walk(self.outermost):
            if isinstance(node, ast.FunctionDef) and first_line(node) == self.code.co_firstlineno:
                return list(_statements(node.body))
        return []

    def edited(self, text: str) -> FunctionType:
        """The function that the user gave, with the file's text as it would be.

        Errors: SyntaxError for what is no Python, LookupError where the code is not found again
        """
        # Only the outermost statement is compiled, on its own lines.
        last = self.outermost.end_lineno or 0
        lines = text.splitlines(keepends=True)
        extra = len(lines) - len(self.text.splitlines())
        first = first_line(self.outermost)
        piece = "\n" * (first - 1) + "".join(lines[first - 1 : last + extra])
        compiled = compile(piece, self.file, "exec", dont_inherit=True)
        code = next((found for found in _inside(compiled) if _same_place(found, self.code)), None)
        if code is None:
            raise LookupError("the code is not found again")
        assert self.top is not None
        if not self.helper:
            return _made(self.top, code, self.top.__globals__)
        space = dict(self.top.__globals__)
        for name, value in self.top.__globals__.items():
            if isinstance(value, FunctionType) and value.__globals__ is self.top.__globals__:
                space[name] = _made(value, code if name == self.helper else value.__code__, space)
        return _made(self.top, self.top.__code__, space)


def plain(function: Any) -> FunctionType | None:
    """The Python function behind a callable, without what torch wraps around it; None if there is none."""
    function = getattr(function, "__func__", function)
    function = getattr(function, "__wrapped__", function)
    return function if isinstance(function, FunctionType) else None


def first_line(statement: ast.stmt) -> int:
    """That of its first decorator, as code objects count."""
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        yield statement
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, part, []))


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def _same_place(found: CodeType, code: CodeType) -> bool:
    return (found.co_name, found.co_firstlineno) == (code.co_name, code.co_firstlineno)


def _made(function: FunctionType, code: CodeType, space: dict[str, Any]) -> FunctionType:
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if not set(code.co_freevars) <= set(cells):
        raise LookupError("it would need a variable that is out of its reach")
    closure: tuple[CellType, ...] = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(code, space, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    return made
