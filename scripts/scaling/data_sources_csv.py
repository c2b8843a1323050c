"""CSV files larger than memory: cut at line ends, parsed by pyarrow, and each mistake named with its line."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from support.optional_packages import require
from support.options import check_columns, check_header, number

BYTES = 2**24
"""Of a part, which is parsed as a whole: half a million lines or so."""


def csv_parts(path: Path) -> list[tuple[int, int]]:
    """Where the parts of a file begin and end, after its header, which is checked."""
    with path.open("rb") as file:
        line, header = 1, file.readline()
        while header and not header.strip():
            line, header = line + 1, file.readline()
        begin = file.tell()
    if not header:
        raise ValueError(f"{path}: expected a header and two columns of numbers, found an empty file")
    cells = next(csv.reader([_text(path, header)]))
    check_header(str(path), line, cells)
    size = path.stat().st_size
    if begin == size:
        raise ValueError(f"{path}: expected at least one observation below the header, found none")
    return [(first, min(first + BYTES, size)) for first in range(begin, size, BYTES)]


def read_part(
    path: Path, begin: int, end: int
) -> tuple[Callable[[], Iterator[np.ndarray]], Callable[[int], None]]:
    """The reading of one part, and the complaint about a number that is not finite."""

    def blocks() -> Iterator[np.ndarray]:
        data = _lines(path, begin, end)[1]
        if data.strip():
            yield _parsed(path, begin, end, data)

    return blocks, lambda row: _complain(path, begin, end, f"row {row} of a part is not finite")


def _lines(path: Path, begin: int, end: int) -> tuple[int, bytes]:
    """The lines that start between begin and end, and where the first of them starts."""
    with path.open("rb") as file:
        file.seek(begin - 1)
        file.readline()  # the rest of a line that started before
        first = file.tell()
        data = file.read(max(end - first, 0))
        if data and not data.endswith(b"\n"):
            data += file.readline()
    return first, data


def _parsed(path: Path, begin: int, end: int, data: bytes) -> np.ndarray:
    arrow, arrow_csv = require("pyarrow", "big"), require("pyarrow.csv", "big")
    names = ["input", "observed"]
    convert = arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, arrow.float64()), null_values=[])
    try:
        table = arrow_csv.read_csv(
            arrow.BufferReader(data),
            read_options=arrow_csv.ReadOptions(column_names=names),
            convert_options=convert,
        )
    except ValueError as error:  # pyarrow's ArrowInvalid, which knows no line
        _complain(path, begin, end, str(error).splitlines()[0])
        raise
    return np.stack([table[name].to_numpy() for name in names], 1)


def _complain(path: Path, begin: int, end: int, otherwise: str) -> None:
    """Raise ValueError for the first mistake of a part, with its line in the file."""
    first, data = _lines(path, begin, end)
    before = _line_ends(path, first)
    reader = csv.reader(_text(path, data).splitlines())
    for row in reader:
        if any(cell.strip() for cell in row):
            line = before + reader.line_num
            check_columns(str(path), line, row)
            for cell in row:
                number(str(path), line, cell)
    raise ValueError(f"{path}: {otherwise}")


def _line_ends(path: Path, end: int) -> int:
    count = 0
    with path.open("rb") as file:
        while file.tell() < end:
            count += file.read(min(BYTES, end - file.tell())).count(b"\n")
    return count


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: expected a text file in UTF-8, found other bytes") from None
