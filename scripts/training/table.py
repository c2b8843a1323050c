"""A table of named columns, from a CSV file or from a library, and the columns that are chosen from it."""

import csv
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from support.options import is_number, read_text


class Table(NamedTuple):
    """Columns of cells as they are written, and the line of each row, for messages."""

    source: str
    columns: dict[str, list[str]]
    lines: list[int]

    @property
    def fingerprint(self) -> str:
        """The same for the same columns in the same order, wherever the file lies."""
        return hashlib.sha256(repr(list(self.columns.items())).encode()).hexdigest()


def read_table(path: str) -> Table:
    """The columns of a CSV file with a header."""
    reader = csv.reader(read_text(Path(path)).splitlines())
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    if len(rows) < 2:
        raise ValueError(f"{path}: expected a header and at least one row, found {len(rows)} lines")
    names = [name.strip() for name in rows[0][1]]
    if all(is_number(name) for name in names):
        raise ValueError(f"{path}, line {rows[0][0]}: expected a header of names, found numbers")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{path}, line {rows[0][0]}: the column {twice[0]!r} is named twice")
    for line, row in rows[1:]:
        if len(row) != len(names):
            raise ValueError(f"{path}, line {line}: expected {len(names)} columns, found {len(row)}")
    cells = zip(*(row for _, row in rows[1:]), strict=True)
    columns = {name: [cell.strip() for cell in column] for name, column in zip(names, cells, strict=True)}
    return Table(path, columns, [line for line, _ in rows[1:]])


def numbers(table: Table, name: str) -> list[float]:
    """A column as numbers, or the line and the cell that is none."""
    found = []
    for line, cell in zip(table.lines, table.columns[name], strict=True):
        if not is_number(cell) or not math.isfinite(float(cell)):
            raise ValueError(
                f"{table.source}, line {line}: expected a finite number in column {name!r}, found {cell!r} "
                f"(--class {name} takes a column of classes)"
            )
        found.append(float(cell))
    return found


def check_columns(option: str, names: Sequence[str], table: Table) -> None:
    """Raise ValueError for a name that is no column, or is named twice."""
    for name in names:
        if name not in table.columns:
            raise ValueError(
                f"{option}: {table.source} has no column {name!r}: the columns are {', '.join(table.columns)}"
            )
        if list(names).count(name) > 1:
            raise ValueError(f"{option}: the column {name!r} is named twice")
