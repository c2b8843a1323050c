"""A user's function with another text of one of its lines: made anew, the user's own left as it is."""

import ast
import linecache
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any, TypeGuard

from torch_reference.chain.recording.values import is_the_users
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
        if not any(found.__code__ is code for found in reached(self.top)):
            raise LookupError("the line is reached in a way that cannot be rebuilt")

    def _outermost(self, tree: ast.Module) -> ast.stmt:
        for statement in tree.body:
            if first_line(statement) <= self.code.co_firstlineno <= (statement.end_lineno or 0):
                return statement
        raise LookupError("the source is not what ran")

    def statements(self) -> list[ast.stmt]:
        """The statements of the code, without those of functions inside it."""
        for node in ast.walk(self.outermost):
            if isinstance(node, ast.FunctionDef) and first_line(node) == self.code.co_firstlineno:
                return list(_statements(node.body))
        return []

    def attributes(self) -> list[str]:
        """What the code reads of ctx and self, as it is written: ctx.scale."""
        found = [
            f"{node.value.id}.{node.attr}"
            for node in ast.walk(self.outermost)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if node.value.id in ("ctx", "self") and isinstance(node.ctx, ast.Store)
        ]
        return list(dict.fromkeys(found))

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
        return Remade(self.code, code).function(self.top)


class Remade:
    """Functions anew with another code for one of them; whatever they reach by name or closure with them."""

    def __init__(self, old: CodeType, new: CodeType) -> None:
        """Nothing is made yet."""
        self.old, self.new = old, new
        self.made: dict[int, FunctionType] = {}
        self.spaces: dict[int, dict[str, Any]] = {}

    def function(self, function: FunctionType) -> FunctionType:
        """The function that stands for this one; it is made once, however it is reached.

        Errors: LookupError for a code that needs a variable out of its reach
        """
        if id(function) in self.made:
            return self.made[id(function)]
        code = self.new if function.__code__ is self.old else function.__code__
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        if not set(code.co_freevars) <= set(cells):
            raise LookupError("it would need a variable that is out of its reach")
        # First the cells, empty: a function may be in its own closure.
        fresh = {name: CellType() for name in code.co_freevars}
        space = self._space(function)
        closure = tuple(fresh.values())
        made = FunctionType(code, space, function.__name__, function.__defaults__, closure)
        made.__kwdefaults__ = function.__kwdefaults__
        self.made[id(function)] = made
        for name, cell in fresh.items():
            _fill(cell, cells[name], self._value)
        return made

    def _value(self, value: Any) -> Any:
        return self.function(value) if _is_made_anew(value) else value

    def _space(self, function: FunctionType) -> dict[str, Any]:
        """The globals of a module, with functions anew that are its own."""
        given = function.__globals__
        if id(given) not in self.spaces:
            self.spaces[id(given)] = space = dict(given)
            for name, value in given.items():
                if _is_made_anew(value):
                    space[name] = self.function(value)
        return self.spaces[id(given)]


def reached(top: FunctionType) -> list[FunctionType]:
    """A function, and all that it may call by a name of its module or of its closure."""
    found, seen = [top], {id(top)}
    for function in found:  # it grows on the way
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_full(cell)]
        for other in (*function.__globals__.values(), *cells):
            if _is_made_anew(other) and id(other) not in seen:
                seen.add(id(other))
                found.append(other)
    return found


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


def _is_made_anew(value: Any) -> TypeGuard[FunctionType]:
    return isinstance(value, FunctionType) and is_the_users(value.__code__)


def _is_full(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _fill(cell: CellType, given: CellType, value: Callable[[Any], Any]) -> None:
    if _is_full(given):
        cell.cell_contents = value(given.cell_contents)
