"""CSV files larger than memory: cut at line ends, parsed by pyarrow, and each mistake named with its line.

What a number is, the other programs' reader decides: pyarrow does the bulk, and whatever it refuses, or might
read in another way, is read once more by that reader.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from reading.cells import number
from reading.columns import say_assumed, two_columns
from reading.csv_format import Format, format_of, where_the_header_is
from reading.csv_rows import Rows
from reading.tables import checked, told
from reading.text_files import LATIN, UNREADABLE, TextFile, check_text, look
from scaling.data_part import Part
from support.installed_packages import require

BYTES = 2**24
"""Of a part, which is parsed as a whole: half a million lines or so."""


class Layout(NamedTuple):
    """How a file is written, and which of its columns are read."""

    file: TextFile
    how: Format
    chosen: tuple[int, int]

    @property
    def source(self) -> str:
        """The file's name, for messages."""
        return str(self.file.path)


def csv_parts(path: Path, inputs: str | None = None, observed: str | None = None) -> list[Part]:
    """The parts of a file; header and columns are checked here."""
    file = look(path)
    how = format_of(file)
    try:
        names = two_columns(str(path), how.names, inputs, observed)
    except ValueError as error:
        raise ValueError(f"{error}{where_the_header_is(file)}") from None
    layout = Layout(file, how, (how.names.index(names[0]), how.names.index(names[1])))
    say_assumed(str(path), f"{told(how, 0)}; input {names[0]!r}, observed {names[1]!r}")
    size, begin = path.stat().st_size, _cuttable(layout)
    if begin is None:
        return [Part(size, lambda: _in_one_go(layout), str)]
    if begin == size:
        raise ValueError(f"{path}: expected at least one observation below the header, found none")
    ends = [(first, min(first + BYTES, size)) for first in range(begin, size, BYTES)]
    # Numbers that are not finite never leave a piece, so that no row needs to be named from outside.
    return [Part(end - first, partial(_piece, layout, first, end), str) for first, end in ends]


def _cuttable(layout: Layout) -> int | None:
    """Where the first line below the header begins, if its bytes can be cut at newlines; else None."""
    if layout.file.is_packed or layout.how.encoding not in ("utf-8", "utf-8-sig", LATIN):
        return None
    with layout.file.path.open("rb") as file:
        header = [file.readline() for _ in range(layout.how.header)]
        begin = file.tell()
        sample = b"".join(header) + file.read(BYTES)
    return None if b"\r" in sample.replace(b"\r\n", b"\n") else begin


def _piece(layout: Layout, begin: int, end: int) -> Iterator[np.ndarray]:
    """The rows that start between begin and end."""
    path = layout.file.path
    first, data = lines_between(path, begin, end)
    if layout.how.encoding == LATIN:
        data = data.decode(LATIN, errors="replace").encode()
    if data.strip():
        yield _parsed(layout, data, lambda: 1 + _line_ends(path, first))


def lines_between(path: Path, begin: int, end: int) -> tuple[int, bytes]:
    """The lines that start between begin and end, and where the first of them starts."""
    with path.open("rb") as file:
        file.seek(begin - 1)
        file.readline()  # the rest of a line that started before
        first = file.tell()
        data = file.read(max(end - first, 0))
        if data and not data.endswith(b"\n"):
            data += file.readline()
    return first, data


def _in_one_go(layout: Layout) -> Iterator[np.ndarray]:
    """All rows of a file that only its beginning leads to: packed, in UTF-16, or with other line ends."""
    try:
        with layout.file.open() as text:
            for _ in range(layout.how.header):
                text.readline()
            line = layout.how.header + 1
            while chunk := text.read(BYTES):
                chunk += text.readline()
                if chunk.strip():
                    yield _parsed(layout, chunk.encode(), lambda line=line: line)
                line += chunk.count("\n")
    except UNREADABLE as error:
        raise ValueError(f"{layout.source}: damaged, gzip says: {error}") from None
    except OSError as error:
        raise ValueError(f"{layout.source}: {error.strerror or error}") from None


def _parsed(layout: Layout, data: bytes, first_line: Callable[[], int]) -> np.ndarray:
    if b"\0" in data:
        check_text(layout.file.path, "\0")
    # A quotation mark and a comment mean one thing to pyarrow and another to us; spaces it does not join.
    if b'"' not in data and b"#" not in data and layout.how.separator != " ":
        found = _by_pyarrow(layout, data)
        if found is not None and np.isfinite(found).all():
            return found
    return _by_rows(layout, data, first_line())


def _by_pyarrow(layout: Layout, data: bytes) -> np.ndarray | None:
    arrow, arrow_csv = require("pyarrow", "big"), require("pyarrow.csv", "big")
    names = [str(place) for place in range(layout.how.widest)]
    chosen, beyond = [names[place] for place in layout.chosen], names[len(layout.how.names) :]
    types = {**dict.fromkeys(chosen, arrow.float64()), **dict.fromkeys(beyond, arrow.string())}
    try:
        table = arrow_csv.read_csv(
            arrow.BufferReader(data),
            read_options=arrow_csv.ReadOptions(column_names=names),
            parse_options=arrow_csv.ParseOptions(delimiter=layout.how.separator),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(types),
                column_types=types,
                null_values=[],
                decimal_point=layout.how.decimal,
            ),
        )
    except ValueError:  # pyarrow's ArrowInvalid, which knows no line
        return None
    if any(set(table[name].unique().to_pylist()) - {""} for name in beyond):
        return None  # cells behind the last column: those of the others may have moved
    return np.stack([table[name].to_numpy() for name in chosen], 1)


def _by_rows(layout: Layout, data: bytes, first_line: int) -> np.ndarray:
    """The same by the reader of the other programs, which names the line of a mistake."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    rows = Rows(layout.source, io.StringIO(text), layout.how.separator, first_line, one_line=True)
    try:
        found = [one for line, cells in rows for one in _numbers(layout, line, cells)]
    except ValueError as error:
        raise ValueError(f"{error}{where_the_header_is(layout.file)}") from None
    return np.array(found).reshape(-1, 2)


def _numbers(layout: Layout, line: int, cells: Sequence[str]) -> Iterator[float]:
    """The two numbers of a row."""
    row = checked(layout.source, line, cells, len(layout.how.names))
    for place in layout.chosen:
        try:
            yield number(row[place], layout.how.decimal)
        except ValueError as error:
            name = layout.how.names[place]
            raise ValueError(f"{layout.source}, line {line}, column {name!r}: {error}") from None


def _line_ends(path: Path, end: int) -> int:
    """How many lines end before a place."""
    count, last = 0, b""
    with path.open("rb") as file:
        while file.tell() < end:
            data = last + file.read(min(BYTES, end - file.tell()))
            last = data[-1:] if data.endswith(b"\r") and file.tell() < end else b""
            data = data[: len(data) - len(last)]
            count += data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    return count
