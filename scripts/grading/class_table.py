"""What a teacher sees: one line for each submission, a CSV file, a JSON document, a text for one student."""

import argparse
import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from grading.judging import Graded
from reading.plain_lines import without_commands
from support.tables import open_console, plain_table

LONGEST_FILE_NAME = 240
LONGEST_NAME = 30
"""Of a student in the table; the files have it whole."""


def verdict(one: Graded, names: Sequence[str], no_autograd: bool) -> str:
    """In one word: right, wrong, autograd, failed."""
    if one.error:
        return "failed"
    if no_autograd and one.autograd:
        return "autograd"
    return "wrong" if one.text.startswith("MISMATCH") or one.wrong(names) else "right"


def print_class(
    all_of_them: Sequence[Graded],
    names: Sequence[str],
    marks: Mapping[str, float],
    options: argparse.Namespace,
) -> None:
    """Print the table, and what went wrong where no report can be made."""
    table = plain_table("student", "verdict", "points", "wrong", "first wrong link: diagnosis", "s")
    for place in (1, 3, 4):
        table.columns[place].justify = "left"
    table.columns[4].no_wrap = False
    for one in all_of_them:
        word = verdict(one, names, options.no_autograd)
        colour = {"right": "green", "wrong": "red"}.get(word, "yellow")
        table.add_row(
            _plain(_cut(one.student)),
            f"[{colour}]{word}[/]",
            f"{one.points:g}",
            _names(one.wrong(names)) if not one.error else "",
            _what(one),
            f"{one.seconds:.1f}",
        )
    console = open_console()
    console.print(table)
    right = sum(verdict(one, names, options.no_autograd) == "right" for one in all_of_them)
    console.print(f"\n{right} of {len(all_of_them)} are right; {sum(marks.values()):g} points each.")


def _names(wrong: Sequence[str]) -> str:
    return ", ".join(wrong) if len(wrong) <= 3 else f"{len(wrong)} names"


def _what(one: Graded) -> str:
    """The reason of a failure, or the first wrong link with its diagnosis, and what was asked of autograd."""
    parts = [one.error] if one.error else []
    if one.first_wrong:
        parts.append(f"{one.first_wrong}: {one.diagnosis}")
    elif one.diagnosis:
        parts.append(one.diagnosis)
    if one.autograd:
        parts.append(f"asks {one.autograd[0]}")
    return _plain("; ".join(parts))


def _plain(text: str) -> str:
    """Text that is shown as it is, and commands neither the terminal nor rich."""
    return without_commands(text).replace("[", r"\[")


def _cut(name: str) -> str:
    """One long name does not fold the whole table."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def document(one: Graded, names: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """One submission, for machines."""
    return {
        "student": one.student,
        "verdict": verdict(one, names, options.no_autograd),
        "points": one.points,
        "right": [name for name in names if one.right.get(name, False)],
        "wrong": one.wrong(names),
        "first_wrong": one.first_wrong,
        "diagnosis": one.diagnosis,
        "where": one.where,
        "autograd": one.autograd,
        "seconds": round(one.seconds, 3),
        "error": one.error,
    }


def as_csv(documents: Sequence[Mapping[str, Any]]) -> str:
    """A header and a line for each submission; a cell that a spreadsheet would run is quoted."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(documents[0]), lineterminator="\n")
    writer.writeheader()
    for one in documents:
        cells = {key: " ".join(value) if isinstance(value, list) else value for key, value in one.items()}
        writer.writerow({key: _harmless(value) for key, value in cells.items()})
    return out.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def text_name(student: str) -> str:
    """The name of the student's text, which no file system finds too long."""
    encoded = student.encode(errors="surrogateescape")
    if len(encoded) > LONGEST_FILE_NAME:
        student = f"{student[:50]}-{hashlib.sha256(encoded).hexdigest()[:8]}"
    return f"{student}.txt"


def text_for(one: Graded, names: Sequence[str], options: argparse.Namespace) -> str:
    """What a student is told: the verdict, the report, and what the derivation has printed."""
    lines = [f"{one.student}: {verdict(one, names, options.no_autograd)}, {one.points:g} points"]
    lines += [f"It failed: {one.error}"] if one.error else []
    lines += (
        [f"It asks for derivatives instead of deriving them: {', '.join(one.autograd)}"]
        if one.autograd
        else []
    )
    lines += [f"Judged at {one.where}:"] if one.where else []
    lines += ["", one.text] if one.text else []
    lines += ["", "It has printed:", one.printed] if one.printed else []
    return "\n".join(lines) + "\n"
