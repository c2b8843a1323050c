"""How a CSV file is written: its separator, its decimal sign, its header; told from its first lines."""

import io
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from reading.cells import COMMA, POINT, THOUSANDS, is_number
from reading.csv_rows import Rows, separator_named
from reading.header_below import header_below
from reading.text_files import NAMES, TextFile

SEPARATORS = ("\t", ";", "|", ",", " ")
"""Of two that fit equally well the first: a comma may be a decimal sign, and a space part of a name."""

LINES = 200
"""By which the separator is told."""

SPOKEN = {"\t": "tab", " ": "space"}


class Format(NamedTuple):
    """How a file is written."""

    encoding: str
    separator: str
    decimal: str
    names: tuple[str, ...]  # of the columns; empty columns at the end of every line count not
    header: int  # the line that names them
    widest: int  # cells of the widest line seen, empty ones at its end with the others

    @property
    def told(self) -> str:
        """What was assumed, for a line."""
        separator = SPOKEN.get(self.separator, repr(self.separator))
        decimal = "comma" if self.decimal == "," else "point"
        return f"{NAMES[self.encoding]}, separated by {separator}, decimal {decimal}"


def format_of(file: TextFile) -> Format:
    """The format of a file; ValueError in one line where it has no header, or could be read in two ways."""
    source, text = str(file.path), file.beginning
    first_lines = beginning(text)
    separator = separator_named(text.split("\n", 1)[0]) or max(
        SEPARATORS, key=lambda one: _fitness(source, first_lines, one)
    )
    rows = Rows(source, io.StringIO(text), separator)
    table = list(rows)
    if not table:
        raise ValueError(f"{source}: expected a header and columns of numbers, found an empty file")
    if _is_all_numbers(table[0][1]):
        table = _with_the_comment_above(source, text, separator, table)
    (header, names), body = table[0], table[1:]
    decimal = _decimal_sign(source, body)
    named, widest = _named(source, header, names, [cells for _, cells in body])
    return Format(file.encoding, separator, decimal, named, header, widest)


def _fitness(source: str, text: str, separator: str) -> tuple[bool, float, float]:
    """How well a separator fits: it cuts the header, all rows as the header, and into numbers."""
    try:
        rows = [cells for _, cells in Rows(source, io.StringIO(text), separator)]
    except ValueError:
        return False, float(separator == ","), 0.0
    if len(rows) < 2 or len(rows[0]) < 2:
        return bool(rows) and len(rows[0]) > 1, float(separator == ","), 0.0
    alike = sum(len(row) == len(rows[0]) for row in rows[1:]) / (len(rows) - 1)
    cells = Counter(bool(POINT.fullmatch(cell) or COMMA.fullmatch(cell)) for row in rows[1:] for cell in row)
    return True, alike, cells[True] / cells.total()


def beginning(text: str) -> str:
    """The first LINES lines of a text."""
    end = -1
    for _ in range(LINES):
        end = text.find("\n", end + 1)
        if end < 0:
            return text
    return text[: end + 1]


def where_the_header_is(file: TextFile) -> str:
    """A remark for a refusal: which line looks like the header, if another one than was taken for it."""
    return header_below(str(file.path), beginning(file.beginning), SEPARATORS)


def _is_all_numbers(cells: Sequence[str]) -> bool:
    return all(is_number(cell) or is_number(cell, ",") or not cell for cell in cells)


def _with_the_comment_above(
    source: str, text: str, separator: str, table: list[tuple[int, list[str]]]
) -> list[tuple[int, list[str]]]:
    """The table with the header that a comment above it holds, as numpy.savetxt writes it."""
    line, cells = table[0]
    above = [row for row in text.split("\n")[: line - 1] if row.strip()]
    if above:
        names = above[-1].lstrip().lstrip("#")
        found = [row for _, row in Rows(source, io.StringIO(names), separator)]
        if found and len(found[0]) == len(cells) and not _is_all_numbers(found[0]):
            return [(line - 1, found[0]), *table]
    raise ValueError(f"{source}, line {line}: expected a header such as dosage,effectiveness, found numbers")


def _decimal_sign(source: str, body: Sequence[tuple[int, list[str]]]) -> str:
    """A comma where numbers are written with it and none with a point; ValueError where it may be either."""
    is_comma = is_point = False
    doubtful = None
    for line, cells in body:
        for cell in cells:
            if "," in cell and COMMA.fullmatch(cell):
                is_comma |= not THOUSANDS.fullmatch(cell)
                doubtful = doubtful or (line, cell)
            elif "." in cell and POINT.fullmatch(cell):
                is_point = True
    if is_point or not doubtful:
        return "."
    if not is_comma:
        line, cell = doubtful
        ways = f"{cell.replace(',', '.')} and {cell.replace(',', '')}"
        raise ValueError(f"{source}, line {line}: expected a number, found {cell!r}, which may be {ways}")
    return ","


def _named(
    source: str, line: int, names: Sequence[str], body: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], int]:
    """The names of the columns that hold anything, and the number of cells of the widest row."""
    widest = max([len(names), *map(len, body)])
    width = len(names)
    while not names[width - 1] and not any(any(row[width - 1 : width]) for row in body):
        width -= 1
    found = [name or f"column {place}" for place, name in enumerate(names[:width], start=1)]
    twice = [name for name in found if found.count(name) > 1]
    if twice:
        raise ValueError(f"{source}, line {line}: the column {twice[0]!r} is named twice")
    return tuple(found), widest
