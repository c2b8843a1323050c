"""A whole CSV file in memory: named columns of cells as they are written, and what was assumed."""

import hashlib
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from reading.cells import number
from reading.csv_format import Format, format_of, where_the_header_is
from reading.csv_rows import Rows
from reading.text_files import look, whole_text


class Table(NamedTuple):
    """Columns of cells as they are written, and the line of each row, for messages."""

    source: str
    columns: dict[str, list[str]]
    lines: list[int]
    decimal: str = "."
    told: str = ""  # what was assumed of the file
    remark: Callable[[], str] = str  # for a cell that is refused: where else the header may be

    @property
    def fingerprint(self) -> str:
        """The same for the same columns in the same order, wherever the file lies."""
        return hashlib.sha256(repr(list(self.columns.items())).encode()).hexdigest()

    def numbers(self, name: str) -> list[float]:
        """A column as numbers; ValueError with the line of the first cell that is none."""
        found = []
        for line, cell in zip(self.lines, self.columns[name], strict=True):
            try:
                found.append(number(cell, self.decimal))
            except ValueError as error:
                where = f"{self.source}, line {line}, column {name!r}"
                raise ValueError(f"{where}: {error}{self.remark()}") from None
        return found


def read_table(path: str) -> Table:
    """The columns of a CSV file with a header: every row of it, or a ValueError in one line."""
    file = look(Path(path))
    how = format_of(file)
    encoding, text = whole_text(file)
    rows = Rows(path, io.StringIO(text), how.separator)
    found = [(line, cells) for line, cells in rows if line > how.header]
    if not found:
        raise ValueError(f"{path}: expected at least one row below the header, found none")
    try:
        cut = [checked(path, line, cells, len(how.names)) for line, cells in found]
    except ValueError as error:
        raise ValueError(f"{error}{where_the_header_is(file)}") from None
    columns = {name: list(column) for name, column in zip(how.names, zip(*cut, strict=True), strict=True)}
    return Table(
        path,
        columns,
        [line for line, _ in found],
        how.decimal,
        told(how._replace(encoding=encoding), rows.comments),
        partial(where_the_header_is, file),
    )


def checked(source: str, line: int, cells: Sequence[str], width: int) -> Sequence[str]:
    """The cells of a row without empty ones at its end; ValueError unless each column has one."""
    if len(cells) < width or any(cells[width:]):
        expected = f"expected {width} column{'s' * (width != 1)} as in the header"
        raise ValueError(f"{source}, line {line}: {expected}, found {len(cells)}")
    return cells[:width]


def told(how: Format, comments: int) -> str:
    """What was assumed of a file, with the lines that were left out."""
    lines = f", {comments} comment line{'s' * (comments > 1)} left out" if comments else ""
    return f"{how.told}{lines}"
