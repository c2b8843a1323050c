"""A user's function with another text of one of its lines: made anew, the user's own left as it is."""

import ast
import linecache
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from io import StringIO
from types import CodeType, FunctionType
from typing import Any

from torch_reference.chain.recording.raw_memory import uses_raw_memory
from torch_reference.repair.anew.remade import Remade, plain, reached
from torch_reference.repair.edits.source_text import Source


class Original:
    """The source of a function that is to be edited, and the function through which it is reached."""

    def __init__(self, top: Callable[..., Any], code: CodeType) -> None:
        """Take the function that the user gave, and the code of the line: its own, or a helper's.

        Errors: LookupError for what has no source
        """
        self.top = plain(top)
        self.code = code
        self.file = code.co_filename
        lines = linecache.getlines(self.file)
        if not lines:
            raise LookupError("there is no source")
        self.text = "".join(lines)
        self.source = Source(self.text)
        self.outermost = self._outermost(ast.parse(self.text))
        known = reached(self.top) if self.top is not None else []
        owner = next((found for found in known if found.__code__ is code), None)
        every = reached(self.top, classes=True) if self.top is not None else []
        methods = [one for one in every if one not in known]
        called = {name for method in methods for name in method.__code__.co_names}
        # A method that calls helpers needs those that are edited.
        self.of_a_class = owner is None or any(one.__name__ in called for one in known)
        if owner is None:
            owner = next((one for one in every if one.__code__ is code), None)
        used = [function for function in (self.top, owner) if function is not None]
        self.can_be_edited = owner is not None and not uses_raw_memory(used)
        """Whether it is reached in a way that can be rebuilt, and writes nothing by address."""
        self.around = owner.__globals__ if owner is not None else {}
        self._made: Remade | None = None

    def _outermost(self, tree: ast.Module) -> ast.stmt:
        for statement in tree.body:
            if first_line(statement) <= self.code.co_firstlineno <= (statement.end_lineno or 0):
                return statement
        raise LookupError("the source is not what ran")

    @cached_property
    def definition(self) -> ast.FunctionDef | None:
        """The definition that the code is of; None for a lambda's."""
        for node in ast.walk(self.outermost):
            if isinstance(node, ast.FunctionDef) and first_line(node) == self.code.co_firstlineno:
                return node
        return None

    def statements(self) -> list[ast.stmt]:
        """The statements of the code, without those of functions inside it."""
        return list(_statements(self.definition.body)) if self.definition is not None else []

    def attributes(self) -> list[str]:
        """What the code reads of ctx and self, as it is written: ctx.scale."""
        found = [
            f"{node.value.id}.{node.attr}"
            for node in ast.walk(self.outermost)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if node.value.id in ("ctx", "self") and isinstance(node.ctx, ast.Store)
        ]
        return list(dict.fromkeys(found))

    def of_each_round(self) -> list[str]:
        """What the code may read by the number of a loop's round: a[t], x[t][:, None]; saved[t]."""
        loops = [one.target for one in self.statements() if isinstance(one, ast.For)]
        numbers = {node.id for target in loops for node in ast.walk(target) if isinstance(node, ast.Name)}
        unpacked = [
            node.id
            for one in self.statements()
            for target in getattr(one, "targets", [])
            if isinstance(target, ast.Tuple)
            for node in target.elts
            if isinstance(node, ast.Name)
        ]
        found = [
            self.source.text(node)
            for statement in self.statements()
            for node in ast.walk(statement)
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
            if any(isinstance(inner, ast.Name) and inner.id in numbers for inner in _indices(node))
        ]
        found += [f"{name}[{number}]" for number in sorted(numbers) for name in unpacked]
        return list(dict.fromkeys(found))

    def edited(self, text: str) -> FunctionType:
        """The function that the user gave, with the file's text as it would be.

        Errors: SyntaxError for what is no Python, LookupError where the code is not found again
        """
        code = next((found for found in _inside(self._compiled(text)) if _same_place(found, self.code)), None)
        if code is None:
            raise LookupError("the code is not found again")
        assert self.top is not None
        if self._made is None:
            self._made = Remade(self.code, self.code, self.of_a_class)
            self._made.function(self.top)
        return self._made.with_code(self.top, code)

    def _compiled(self, text: str) -> CodeType:
        """The statement at the module's level, or the definition alone where that is enough."""
        statement: ast.stmt = self.outermost
        if self.definition is not None and "__" not in self.code.co_name:
            statement = self.definition
        lines = StringIO(text).readlines()  # a form feed ends no line
        extra = len(lines) - self.text.count("\n")
        first = first_line(statement)
        piece = "".join(lines[first - 1 : (statement.end_lineno or 0) + extra])
        if statement.col_offset and "self.__" not in piece:
            # Its own lines, inside a function that has the variables of those around it.
            head = f"def _({', '.join(self.code.co_freevars)}):\n"
            return compile("\n" * (first - 2) + head + piece, self.file, "exec", dont_inherit=True)
        if statement.col_offset:
            first = first_line(self.outermost)
            piece = "".join(lines[first - 1 : (self.outermost.end_lineno or 0) + extra])
        return compile("\n" * (first - 1) + piece, self.file, "exec", dont_inherit=True)


def _indices(node: ast.Subscript) -> Iterator[ast.AST]:
    """All that stands in the brackets of a[t][:, None]."""
    inner: ast.expr = node
    while isinstance(inner, ast.Subscript):
        yield from ast.walk(inner.slice)
        inner = inner.value


def first_line(statement: ast.stmt) -> int:
    """That of its first decorator, as code objects count."""
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _statements(body: Sequence[ast.AST]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        if isinstance(statement, ast.stmt):  # a case, or a handler, only holds some
            yield statement
        for part in ("body", "orelse", "finalbody", "cases", "handlers"):
            yield from _statements(getattr(statement, part, []))


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def _same_place(found: CodeType, code: CodeType) -> bool:
    return (found.co_name, found.co_firstlineno) == (code.co_name, code.co_firstlineno)
