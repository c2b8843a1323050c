"""Most edits told off where they stand: one statement, run again in the variables of its frame.

To run a whole derivation for every edit takes a thousand times as long as the one line. So the line is run
alone, with the variables that it found, and what it makes of the wrong link is compared with what autograd
makes of it. That rejects only: what passes is tried on the whole gradient.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import CodeType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.judging.calls.nests import is_numeric_array
from torch_reference.repair.edits.source_text import Source, TextEdit
from torch_reference.repair.frame_watch import Variables, copied, is_near, moments_before, tensors_of
from torch_reference.repair.statement_ranges import from_to
from torch_reference.repair.suspect_lines import written

RETURNED = "__returned__"
ACROSS_ROUNDS = ("overwritten", "accumulated")
"""Edits that one round of a loop cannot judge."""


class Wanted(NamedTuple):
    """A wrong link: the line that made it, its wrong value there, and what autograd makes of it."""

    line: int
    manual: Tensor
    expected: Tensor


@dataclass
class Screen:
    """The statements from a suspect one to the one that made a wrong link, and their variables before.

    way leads to the link: a variable, and its entry if it is in one.
    """

    source: Source
    statements: Sequence[ast.stmt]
    around: Mapping[str, Any]
    before: Variables
    wanted: Wanted
    in_loop: bool = False
    way: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        """The statements, of which only the first is edited, as code."""
        first, rest = self.statements[0], self.statements[1:]
        self.begin = self.source.starts[first.lineno - 1]
        self.first = self._text(self.begin, first, None)
        start = self.source.starts[rest[0].lineno - 1] if rest else 0
        self.rest = [_compiled(self._text(start, rest[-1], None))] if rest else []
        self._anew()

    def _anew(self) -> None:
        """The variables that edits may work on."""
        self.working = copied(self.before)
        self.tensors = list(tensors_of(self.working))
        self.versions = self._versions()

    def passes(self, edit: TextEdit) -> bool:
        """Whether the edited statements make of the link what autograd does, to half of its digits."""
        if self.in_loop and edit.what in ACROSS_ROUNDS:
            return True
        value: Any = self.run(edit)
        for step in self.way:
            value = value[step]
        digits = 4 * torch.finfo(self.wanted.manual.dtype).eps ** 0.5
        near = is_near(value, self.wanted.expected, digits)
        # One wrong number of many is less than that: what leaves the link as it is mends nothing.
        return near and (self.in_loop or not _is_it(value, self.wanted.manual))

    def run(self, edit: TextEdit | None) -> Variables:
        """The variables after the statements.

        Errors: whatever the edited code raises
        """
        text = self.first if edit is None else self._text(self.begin, self.statements[0], edit)
        variables = {**self.around, **copied(self.working, tensors=False)}
        try:
            with torch.no_grad():
                for code in (_compiled(text), *self.rest):
                    exec(code, variables)
        finally:
            if self._versions() != self.versions:  # something was changed in place
                self._anew()
        return variables

    def _text(self, begin: int, last: ast.stmt, edit: TextEdit | None) -> bytes:
        """From a place to a statement's end, with the edit made; what it returns is in a variable."""
        whole, (start, end) = self.source.bytes, self.source.span(last)
        cuts = [(edit.start, edit.end, edit.text.encode())] if edit is not None else []
        if isinstance(last, ast.Return):
            cuts.append((start, start + len("return"), f"{RETURNED} =".encode()))
        text, done = b"", begin
        for cut_from, cut_to, new in sorted(cuts):
            text, done = text + whole[done:cut_from] + new, cut_to
        return text + whole[done:end]

    def _versions(self) -> int:
        return sum(value._version for value in self.tensors)


def _compiled(text: bytes) -> CodeType:
    """Statements of a function, indented as they are there."""
    return compile(b"if 1:\n" + text, "<edit>", "exec", dont_inherit=True)


def screens(
    run: Callable[[], object],
    code: CodeType,
    around: Mapping[str, Any],
    source: Source,
    body: Sequence[ast.stmt],
    suspects: Sequence[ast.stmt],
    wanted: Wanted,
) -> dict[ast.stmt, Screen]:
    """For each suspect statement the screen of its edits.

    run runs the derivation as it is. A screen is made only where the statements, run alone, make the very
    value that the link had.
    """
    ranges = {suspect: list(from_to(body, suspect, wanted.line)) for suspect in suspects}
    firsts = {statements[0].lineno for found in ranges.values() for statements, _ in found}
    moments = moments_before(run, code, firsts)
    made = {
        suspect: (
            screen
            for statements, in_loop in found
            if _is_on_its_own_line(source, statements[0]) and not _keeps(statements)
            for variables in moments[statements[0].lineno]
            for screen in _made(Screen(source, statements, around, variables, wanted, in_loop))
        )
        for suspect, found in ranges.items()
    }
    return {suspect: screen for suspect, every in made.items() for screen in islice(every, 1)}


def _keeps(statements: Sequence[ast.stmt]) -> bool:
    """Whether they set an attribute: an object of the user's is not copied, and keeps what edits make."""
    nodes = (node for one in statements for node in ast.walk(one))
    return any(isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) for node in nodes)


def _is_on_its_own_line(source: Source, statement: ast.stmt) -> bool:
    return not source.bytes[source.starts[statement.lineno - 1] : source.span(statement)[0]].strip()


def _made(screen: Screen) -> Iterator[Screen]:
    """The screen, if the statements as they are make the link's wrong value of these variables."""
    try:
        after = screen.run(None)
    except Exception:  # as of a ctx whose tensors are gone
        return
    same = [
        way
        for way, value in _ways(after, screen.before, _made_in(screen.statements[-1]))
        if _is_it(value, screen.wanted.manual)
    ]
    # Of two that are equal nobody knows which one is the link.
    if len(same) == 1:
        screen.way = same[0]
        yield screen


def _is_it(value: Any, manual: Tensor) -> bool:
    if type(value) is float:
        return manual.numel() == 1 and value == manual.item()
    value = torch.as_tensor(value, device=manual.device) if is_numeric_array(value) else value
    same = isinstance(value, Tensor) and value.shape == manual.shape
    return same and bool(((value == manual) | (manual != manual)).all())


def _ways(after: Variables, before: Variables, names: set[str]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The variables of these names, and the entries that one of them got."""
    for name in names & set(after):
        value = after[name]
        yield (name,), value
        entries: Iterable[tuple[Any, Any]] = value.items() if type(value) is dict else ()
        if type(value) in (list, tuple):
            entries = enumerate(value)
        given = before.get(name)
        yield from (
            ((name, key), item)
            for key, item in entries
            if type(given) is not dict or given.get(key) is not item
        )


def _made_in(statement: ast.stmt) -> set[str]:
    """The variables that a statement makes, and those that are made inside it."""
    if isinstance(statement, ast.Return):
        return {RETURNED}
    return {name for node in ast.walk(statement) if isinstance(node, ast.stmt) for name in written(node)}
