"""One edit that would make it right: single edits of the wrong line, each tried on the whole gradient."""

import ast
import contextlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from torch_reference.judging.calls.quiet import silent, unwarned
from torch_reference.repair.anew.rebuilt import Original
from torch_reference.repair.edits_in_order import edits_in_order
from torch_reference.repair.likeliest_line import likeliest_first, stands_at
from torch_reference.repair.own_time import OwnTime
from torch_reference.repair.screening import Screen, Wanted, screens
from torch_reference.repair.source_text import TextEdit, unified_diff
from torch_reference.repair.suspect_lines import read, suspects, written
from torch_reference.repair.time_limit import TimeLimit

MOST_EDITS, MOST_SECONDS, MOST_SHOWN, MOST_DEARER = 6000, 3.0, 2, 2


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
    """Where the mistake may be, the likeliest first: the wrong line, and those that only it needs."""

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
    right: Collection[int] = (),
) -> Repairs:
    """The smallest single edits of a line, or of one that only it needs, that make the whole gradient right.

    Each of lines is where one wrong link may have been made; of several links, what all of them need is
    edited. linked are the variables that are judged by themselves, and are right or inherited: their lines
    stay. wanted, where it is known, is what one wrong link should have been: most edits are told off by it.
    right are the lines that made what is right.
    """
    try:
        original = Original(trials.top, code)
        statements = suspects(original.statements(), lines, linked)
    except (LookupError, SyntaxError, ValueError, AssertionError):
        return NONE
    here = {place[0] for place in lines}
    numbers = likeliest_first(statements, here, _made_once(original, right))
    if not original.can_be_edited:
        return Repairs((), 0, 0.0, complete=True, lines=numbers)
    time = OwnTime(MOST_SECONDS)
    fitting: list[Repair] = []
    tried, complete, dearest = 0, True, 0
    again = {line for place in lines for line in place[1:]} - here
    with silent(), unwarned(), TimeLimit(lambda: _runs(trials, original)) as limit:
        screened = _screens(trials, original, statements, wanted)
        for edit, statement in edits_in_order(original, statements, code, here, again):
            if tried >= MOST_EDITS or time.is_over():
                complete = False
                break
            # Two edits of one line that are both right say the same: the smaller one will do.
            if any(repair.line == statement.lineno for repair in fitting):
                continue
            if fitting and edit.cost > dearest + MOST_DEARER:
                break
            tried += 1
            if limit.holds(partial(_mends, edit, original, trials, screened.get(statement))):
                fitting.append(_repair(original, edit, statement))
                dearest = edit.cost
                if len(fitting) == MOST_SHOWN:
                    break
    return Repairs(tuple(fitting), tried, time.waited, complete, numbers)


def _made_once(original: Original, right: Collection[int]) -> set[str]:
    """The variables that are read by the lines of right links, and have one value only."""
    statements = original.statements()
    loops = [one for one in statements if isinstance(one, ast.For | ast.While)]
    rounds = [one for loop in loops for one in ast.walk(loop) if isinstance(one, ast.stmt)]
    made = Counter(name for one in (*statements, *rounds) for name in written(one))
    found = {name for one in statements if stands_at(one, right) for name in read(one)}
    return {name for name in found if made[name] < 2}


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
    diff = unified_diff(original.file, _shown(original.file), original.text, original.source.edited(edit))
    before = original.source.bytes[edit.start : edit.end].decode()
    return Repair(original.file, statement.lineno, diff, edit.what, before, edit.text)


def _shown(file: str) -> str:
    """The path as `git apply` takes it: below the current folder, if it is there."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        return os.path.relpath(file)
    return file.lstrip("/")
