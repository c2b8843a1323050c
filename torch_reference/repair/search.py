"""The search among the edits of some lines: which of them make the whole gradient right."""

import ast
import contextlib
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from torch_reference.judging.calls.quiet import silent, unwarned
from torch_reference.repair.anew.rebuilt import Original
from torch_reference.repair.edits.edits_in_order import edits_in_order
from torch_reference.repair.edits.source_text import TextEdit, unified_diff
from torch_reference.repair.own_time import OwnTime
from torch_reference.repair.screening import Screen, Wanted, screens
from torch_reference.repair.suspect_lines import KINDS
from torch_reference.repair.time_limit import TimeLimit

MOST_EDITS, MOST_SHOWN, MOST_DEARER = 6000, 2, 2


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
    None is tried on a GPU, whose use by the process an index that is out of range ends.
    """

    top: Callable[..., Any]
    quick: Callable[[FunctionType], bool]
    sure: Callable[[FunctionType], bool]
    is_on_a_processor: bool = True


@dataclass
class Search:
    """What was found so far, and how many edits were tried."""

    trials: Trials
    time: OwnTime
    fitting: list[Repair] = field(default_factory=list)
    tried: int = 0
    complete: bool = True

    def __post_init__(self) -> None:
        """The clock of the whole search; that of a part may be set anew."""
        self.begun = self.time

    def edits(
        self,
        original: Original,
        statements: Sequence[ast.stmt],
        here: Collection[int],
        again: Collection[int] = (),
        wanted: Wanted | None = None,
    ) -> None:
        """Try those of these statements, the likeliest first, until two fit or the time is over."""
        dearest, trials = 0, self.trials
        with silent(), unwarned(), TimeLimit(lambda: _runs(trials, original)) as limit:
            screened = _screens(trials, original, statements, wanted)
            for edit, statement in edits_in_order(original, statements, original.code, here, again):
                if self.tried >= MOST_EDITS or self.time.is_over():
                    self.complete = False
                    break
                # Two edits of one line that are both right say the same: the smaller one will do.
                if any(repair.line == statement.lineno for repair in self.fitting):
                    continue
                if self.fitting and edit.cost > dearest + MOST_DEARER:
                    break
                self.tried += 1
                if limit.holds(partial(_mends, edit, original, trials, screened.get(statement))):
                    self.fitting.append(_repair(original, edit, statement))
                    dearest = edit.cost
                    if len(self.fitting) == MOST_SHOWN:
                        break

    def every_edit(self, code: CodeType) -> None:
        """Try those of every statement of a helper, unless something was found."""
        if self.fitting or self.time.is_over():
            return
        with contextlib.suppress(LookupError, SyntaxError, ValueError, AssertionError):
            original = Original(self.trials.top, code)
            statements = [one for one in original.statements() if isinstance(one, KINDS)]
            if original.can_be_edited:
                self.edits(original, statements, [one.lineno for one in statements])


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
