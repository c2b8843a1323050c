"""Where a file that cannot be read seems to have its header: below a title, or above a line of units."""

import io

from reading.cells import described, is_number
from reading.csv_rows import Rows

DEEPEST = 20
"""Rows among which the header is looked for."""


def header_below(source: str, text: str, separators: tuple[str, ...]) -> str:
    """A remark at the end of a refusal: the line above the numbers, and what to do; empty if all is well."""
    for separator in separators:
        try:
            rows = list(Rows(source, io.StringIO(text), separator))
        except ValueError:
            continue
        for place, (line, cells) in enumerate(rows[1:DEEPEST], start=1):
            if all(map(_is_a_number, rows[place - 1][1])):
                break  # a row of numbers: the header is above it
            if _is_header(cells, [row for _, row in rows[place + 1 :]]):
                shown = separator.join(cells)[:40]
                where = f"the numbers begin below line {line}, {shown!r}"
                return f" ({where}: if it is the header, put # before what is above it; if units, before it)"
    return ""


def _is_header(names: list[str], body: list[list[str]]) -> bool:
    """Whether these are names of columns, and the rows below have as many cells and numbers among them."""
    while names and not names[-1]:
        names = names[:-1]
    are_names = len(names) > 1 and all(map(_is_a_name, names))
    alike = all(len(row) >= len(names) and not any(row[len(names) :]) for row in body)
    return bool(are_names and body and alike and any(map(_is_a_number, body[0])))


def _is_a_name(cell: str) -> bool:
    """Text that is neither a number nor a date, a time or what stands for a missing number."""
    return described(cell) == repr(cell) and not _is_a_number(cell)


def _is_a_number(cell: str) -> bool:
    return is_number(cell) or is_number(cell, ",")
