"""The edits of all suspect lines, the likeliest first."""

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from types import CodeType

from torch_reference.repair.anew.rebuilt import Original
from torch_reference.repair.edits.called_functions import called_functions
from torch_reference.repair.edits.source_edits import edits_of
from torch_reference.repair.edits.source_text import TextEdit
from torch_reference.repair.edits.twin_lines import twin_lines
from torch_reference.repair.likeliest_line import unread
from torch_reference.repair.suspect_lines import only_copies, read, stands_at, written

GRADIENT = re.compile(r"^(d|g|delta)|grad|_bar$")
WORD = re.compile(r"[A-Za-z_]\w*")
MOST_NAMES, MOST_NEAR, MOST_OF_A_ROUND = 24, 12, 12


def edits_in_order(
    original: Original,
    lines: Sequence[ast.stmt],
    code: CodeType,
    here: Collection[int],
    again: Collection[int],
) -> Iterator[tuple[TextEdit, ast.stmt]]:
    """All edits, the likeliest of every line first; those of lines that only hand on are less likely."""
    further_names = [*original.attributes()[:MOST_NAMES], *original.of_each_round()[:MOST_OF_A_ROUND]]
    made = {name for one in lines if stands_at(one, here) for name in written(one)}
    whole = original.source.bytes
    every_line = original.statements()
    forgotten, twins = unread(every_line), twin_lines(every_line)
    every = []
    for statement in lines:
        further, is_copy = _further(statement, here, again), _is_a_copy(statement, made)
        elsewhere = {name for one in lines if one is not statement for name in written(one)}
        names = [*_may_stand_in(statement, code.co_varnames, every_line), *further_names]
        names += _looked_up(original, names, every_line) if is_copy else ()
        functions = called_functions(original.source, statement, original.around)
        for edit in (*edits_of(original.source, statement, names), *functions):
            # What is missing from a variable is likelier missing where it is made than where it is used.
            used = whole[edit.start : edit.end].decode() in elsewhere and _growth(edit) > 0
            likelier = _sooner(edit, statement, forgotten, whole)
            # Who copies has left something out; a clone is made to be written to, and seldom lacks a sign.
            is_clone = isinstance(getattr(statement, "value", None), ast.Call)
            likelier += 3 * (is_copy and not (is_clone and edit.what == "wrong sign"))
            # A wrong name is all that one line of two that are written alike may have of its own.
            likelier -= statement in twins and edit.what != "another name"
            likelier -= used and edit.what == "missing sum"  # who sums does so at once
            every.append((edit.cost + further - likelier, used, _growth(edit), edit, statement))
    # Of two that cost the same, what stands there too much is likelier than what may be missing anywhere.
    for cost, _, _, edit, statement in sorted(every, key=lambda one: one[:3]):
        yield edit._replace(cost=cost), statement


def _may_stand_in(statement: ast.stmt, names: Sequence[str], statements: Sequence[ast.stmt]) -> list[str]:
    """The variables that may stand in a line: the first, which the forward pass left, and those nearest."""
    own = [name for name in names if name not in ("self", "ctx", "cls")]
    if len(own) <= MOST_NAMES:
        return own
    lines: dict[str, list[int]] = {}
    for one in statements:
        for name in read(one) | written(one):
            lines.setdefault(name, []).append(abs(one.lineno - statement.lineno))
    further = [name for name in own[MOST_NAMES:] if name in lines]
    near = sorted(further, key=lambda name: min(lines[name]))[:MOST_NEAR]
    return [*own[:MOST_NAMES], *(name for name in further if name in near)]


def _looked_up(original: Original, names: Sequence[str], statements: Sequence[ast.stmt]) -> list[str]:
    """What may be read at an index that is looked up itself, as probs[actions[t]]: each variable at each."""
    indices = {
        original.source.text(index)
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Subscript)
        for index in (node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])
        if isinstance(index, ast.Subscript)
    }
    plain = [name for name in names if name.isidentifier()]
    return [f"{name}[{index}]" for index in sorted(indices) for name in plain][:MOST_NAMES]


def _sooner(edit: TextEdit, statement: ast.stmt, nowhere_read: Collection[str], whole: bytes) -> int:
    """How much likelier an edit is that reads what somebody made and then forgot.

    A line that makes a gradient of none forgot it sooner than one that has another already.
    """
    if not nowhere_read:
        return 0
    names = set(WORD.findall(edit.text)) - set(WORD.findall(whole[edit.start : edit.end].decode()))
    forgotten = (names & set(nowhere_read)) - written(statement)
    if not forgotten:
        return 0
    handed_on = any(GRADIENT.search(name) for name in read(statement))
    return 3 if handed_on or not any(GRADIENT.search(name) for name in forgotten) else 4


def _growth(edit: TextEdit) -> int:
    """-1 for an edit that leaves something out, 1 for one that adds something."""
    more = len(edit.text.encode()) - (edit.end - edit.start)
    return (more > 0) - (more < 0)


def _further(statement: ast.stmt, here: Collection[int], again: Collection[int]) -> int:
    """How much less likely a line is than the one that made the wrong link."""
    if stands_at(statement, here):
        return 0
    return 2 if statement.lineno in again else 1


def _is_a_copy(statement: ast.stmt, made: Collection[str]) -> bool:
    """Whether a line only hands on what there is: something may have been left out there.

    made is what the wrong links' lines made: to return a gradient among it leaves nothing out.
    """
    returned = read(statement) & set(made) if isinstance(statement, ast.Return) else ()
    return only_copies(statement) and not any(GRADIENT.search(name) for name in returned)
