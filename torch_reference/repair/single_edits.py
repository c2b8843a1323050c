"""One edit that would make it right: single edits of the wrong line, each tried on the whole gradient."""

import ast
import contextlib
import difflib
import io
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from torch_reference.repair.rebuilt import Original
from torch_reference.repair.source_edits import edits_of
from torch_reference.repair.source_text import TextEdit

MOST_EDITS, MOST_SECONDS, MOST_SHOWN = 1500, 3.0, 2
MOST_NAMES = 24


class Repair(NamedTuple):
    """An edit that makes the whole gradient right, as a unified diff of the user's file."""

    file: str
    line: int
    diff: str


@dataclass(frozen=True)
class Trials:
    """How a derivation is tried: quick tells most edits off at one point, sure asks the tolerance at several.

    top is the function of the user's that is run; both take another in its place, and may raise anything.
    """

    top: Callable[..., Any]
    quick: Callable[[FunctionType], bool]
    sure: Callable[[FunctionType], bool]


@dataclass(frozen=True)
class Repairs:
    """The smallest edits that make all right, and how many were tried, in how many seconds."""

    found: tuple[Repair, ...]
    tried: int
    seconds: float
    complete: bool

    def __str__(self) -> str:
        """The edits as diffs, under the words that say what they are; empty where none was found."""
        if not self.found:
            return ""
        head = f"one edit that would make it right (of {self.tried} tried in {self.seconds:.1f} s):"
        return "\n".join([head, *(repair.diff.rstrip("\n") for repair in self.found)])


NONE = Repairs((), 0, 0.0, complete=True)


def repairs(trials: Trials, code: CodeType, line: int, linked: Sequence[str]) -> Repairs:
    """The smallest single edits of a line, or of one that only it needs, that make the whole gradient right.

    linked are the variables that are judged by themselves, and are right or inherited: their lines stay.
    """
    try:
        original = Original(trials.top, code)
        lines = _lines(original, line, linked)
    except (LookupError, SyntaxError, ValueError, AssertionError):
        return NONE
    begin = time.monotonic()
    fitting: list[Repair] = []
    tried, complete = 0, True
    for edit, statement in _in_order(original, lines, code):
        if tried >= MOST_EDITS or time.monotonic() - begin > MOST_SECONDS:
            complete = False
            break
        edited = original.source.edited(edit)
        # Two edits of one line that are both right say the same: the smaller one will do.
        known = any(repair.line == statement.lineno for repair in fitting)
        if known:
            continue
        tried += 1
        if _holds(trials.quick, original, edited) and _holds(trials.sure, original, edited):
            fitting.append(_repair(original, edited, statement))
            if len(fitting) == MOST_SHOWN:
                break
    return Repairs(tuple(fitting), tried, time.monotonic() - begin, complete)


def _in_order(
    original: Original, lines: Sequence[ast.stmt], code: CodeType
) -> Iterator[tuple[TextEdit, ast.stmt]]:
    """All edits, the likeliest of every line first."""
    names = [name for name in code.co_varnames if name not in ("self", "ctx", "cls")][:MOST_NAMES]
    every = [(edit, statement) for statement in lines for edit in edits_of(original.source, statement, names)]
    yield from sorted(every, key=lambda pair: pair[0].cost)


def _lines(original: Original, line: int, linked: Sequence[str]) -> list[ast.stmt]:
    """The statement of a line, and those whose variables it needs and that are judged by nothing else."""
    statements = [
        one for one in original.statements() if isinstance(one, ast.Assign | ast.AugAssign | ast.Return)
    ]
    here = [one for one in statements if one.lineno <= line <= (one.end_lineno or one.lineno)]
    found: list[ast.stmt] = list(here)
    waiting = list(found)
    while waiting:
        needed = {node.id for node in ast.walk(waiting.pop()) if isinstance(node, ast.Name)} - set(linked)
        for one in statements:
            if one not in found and one.lineno < line and needed & _targets(one):
                found.append(one)
                waiting.append(one)
    return found


def _targets(statement: ast.stmt) -> set[str]:
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return {
        node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)
    }


def _holds(question: Callable[[FunctionType], bool], original: Original, edited: str) -> bool:
    """Whether the edited function does it; whatever it raises or prints, it does not."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return question(original.edited(edited))
    except Exception:
        return False


def _repair(original: Original, edited: str, statement: ast.stmt) -> Repair:
    name = _shown(original.file)
    diff = difflib.unified_diff(
        original.text.splitlines(keepends=True),
        edited.splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
        n=2,
    )
    return Repair(original.file, statement.lineno, "".join(diff))


def _shown(file: str) -> str:
    """The path as `git apply` takes it: below the current folder, if it is there."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        return os.path.relpath(file)
    return file.lstrip("/")
