"""One edit that would make it right: single edits of the wrong line, each tried on the whole gradient."""

import ast
import contextlib
import difflib
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from torch_reference.judging.calls.quiet import silent, unwarned
from torch_reference.repair.rebuilt import Original
from torch_reference.repair.screening import Screen, Wanted, screens
from torch_reference.repair.source_edits import edits_of
from torch_reference.repair.source_text import TextEdit
from torch_reference.repair.suspect_lines import only_copies, suspects
from torch_reference.repair.time_limit import TimeLimit

MOST_EDITS, MOST_SECONDS, MOST_SHOWN = 6000, 3.0, 2
MOST_NAMES, MOST_OF_A_ROUND = 24, 8


class Repair(NamedTuple):
    """An edit that makes the whole gradient right, as a unified diff of the user's file, and what it is."""

    file: str
    line: int
    diff: str
    what: str = ""
    before: str = ""
    after: str = ""


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
    lines: tuple[int, ...] = ()
    """Where the mistake may be: the wrong line, and those that only it needs."""

    def __str__(self) -> str:
        """The edits as diffs, under the words that say what they are; empty where none was found."""
        if not self.found:
            return ""
        head = f"one edit that would make it right (of {self.tried} tried in {self.seconds:.1f} s):"
        return "\n".join([head, *(repair.diff.rstrip("\n") for repair in self.found)])


NONE = Repairs((), 0, 0.0, complete=True)


def repairs(
    trials: Trials,
    code: CodeType,
    lines: Sequence[Sequence[int]],
    linked: Collection[str],
    wanted: Wanted | None = None,
) -> Repairs:
    """The smallest single edits of a line, or of one that only it needs, that make the whole gradient right.

    Each of lines is where one wrong link may have been made; of several links, what all of them need is
    edited. linked are the variables that are judged by themselves, and are right or inherited: their lines
    stay. wanted, where it is known, is what one wrong link should have been: most edits are told off by it.
    """
    try:
        original = Original(trials.top, code)
        statements = suspects(original.statements(), lines, linked)
    except (LookupError, SyntaxError, ValueError, AssertionError):
        return NONE
    # The thread's own time: what else the machine does decides nothing.
    begin, begin_wall = time.thread_time(), time.monotonic()
    fitting: list[Repair] = []
    tried, complete, dearest = 0, True, 0
    here = {place[0] for place in lines}
    again = {line for place in lines for line in place[1:]} - here
    with silent(), unwarned(), TimeLimit(lambda: _runs(trials, original)) as limit:
        screened = _screens(trials, original, statements, wanted)
        for edit, statement in _in_order(original, statements, code, here, again):
            spent, waited = time.thread_time() - begin, time.monotonic() - begin_wall
            if tried >= MOST_EDITS or spent > MOST_SECONDS or waited > 4 * MOST_SECONDS:
                complete = False
                break
            # Two edits of one line that are both right say the same: the smaller one will do.
            if any(repair.line == statement.lineno for repair in fitting):
                continue
            if fitting and edit.cost > dearest + 1:
                break
            tried += 1
            if limit.holds(partial(_mends, edit, original, trials, screened.get(statement))):
                fitting.append(_repair(original, edit, statement))
                dearest = edit.cost
                if len(fitting) == MOST_SHOWN:
                    break
    numbers = tuple(sorted({statement.lineno for statement in statements}))
    return Repairs(tuple(fitting), tried, time.monotonic() - begin_wall, complete, numbers)


def _runs(trials: Trials, original: Original) -> None:
    """Run the derivation as it is, whatever it raises."""
    with contextlib.suppress(Exception):
        if original.top is not None:
            trials.quick(original.top)


def _mends(edit: TextEdit, original: Original, trials: Trials, screen: Screen | None) -> bool:
    """Whether the whole gradient is right with it; whatever the edited function raises, it is not."""
    try:
        if screen is not None and not screen.passes(edit):
            return False
        edited = original.edited(original.source.edited(edit))
        return trials.quick(edited) and trials.sure(edited)
    except Exception:
        return False


def _in_order(
    original: Original,
    lines: Sequence[ast.stmt],
    code: CodeType,
    here: Collection[int],
    again: Collection[int],
) -> Iterator[tuple[TextEdit, ast.stmt]]:
    """All edits, the likeliest of every line first; those of lines that only hand on are less likely."""
    names = [name for name in code.co_varnames if name not in ("self", "ctx", "cls")][:MOST_NAMES]
    names += [*original.attributes()[:MOST_NAMES], *original.of_each_round()[:MOST_OF_A_ROUND]]
    every = [
        (edit._replace(cost=edit.cost + _further(statement, here, again)), statement)
        for statement in lines
        for edit in edits_of(original.source, statement, names)
    ]
    yield from sorted(every, key=lambda pair: pair[0].cost)


def _further(statement: ast.stmt, here: Collection[int], again: Collection[int]) -> int:
    """How much less likely a line is than the one that made the wrong link; a copy is likelier."""
    if any(statement.lineno <= line <= (statement.end_lineno or line) for line in here):
        return -3 * only_copies(statement)
    return (2 if statement.lineno in again else 1) - 3 * only_copies(statement)


def _screens(
    trials: Trials, original: Original, statements: Sequence[ast.stmt], wanted: Wanted | None
) -> dict[ast.stmt, Screen]:
    """What tells most edits of a statement off, where there is such a thing."""
    if wanted is None or original.definition is None or original.top is None:
        return {}
    top, body = original.top, original.definition.body
    try:
        return screens(
            lambda: trials.quick(top),
            original.code,
            original.around,
            original.source,
            body,
            statements,
            wanted,
        )
    except Exception:  # an edit is then tried on the whole gradient, as all are
        return {}


def _repair(original: Original, edit: TextEdit, statement: ast.stmt) -> Repair:
    name = _shown(original.file)
    diff = difflib.unified_diff(
        original.text.splitlines(keepends=True),
        original.source.edited(edit).splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
        n=2,
    )
    before = original.source.bytes[edit.start : edit.end].decode()
    return Repair(original.file, statement.lineno, "".join(diff), edit.what, before, edit.text)


def _shown(file: str) -> str:
    """The path as `git apply` takes it: below the current folder, if it is there."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        return os.path.relpath(file)
    return file.lstrip("/")
