"""Data larger than memory: .npy, CSV and Parquet files, cut into parts that are read block by block.

Files are read, not mapped: the pages of a memory map count as the process's own memory once they are touched.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from scaling.data_sources_csv import csv_parts, read_part
from support.optional_packages import require

ROWS = 2**18
"""Observations of one block: 4 MB, of which the triangle takes a sixteenth at a time."""


@dataclass(frozen=True)
class Part:
    """A piece of the data that one process reads by itself."""

    size: int  # in bytes of its file
    blocks: Callable[[], Iterator[np.ndarray]]  # each (rows, 2): inputs and observed
    complain: Callable[[int], None]  # raises the ValueError for a row that holds no two finite numbers

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and observed of each block, float64, every number finite."""
        row = 0
        for block in self.blocks():
            values = block.astype(np.float64, copy=False)
            finite = np.isfinite(values).all(1)
            if not finite.all():
                self.complain(row + int(finite.argmin()))
            row += len(values)
            inputs, observed = torch.from_numpy(values).T.contiguous()
            yield inputs, observed


def parts(paths: Sequence[str]) -> list[Part]:
    """Every part of the files, in order; headers, sizes and columns are checked here, before any reading.

    Errors: ValueError in one line for a file that is missing, cut short, empty or of another kind
    """
    files = [Path(path) for path in paths]
    suffixes = {file.suffix.lower() for file in files}
    for file in files:
        if not file.is_file():
            raise ValueError(f"{file}: no such file")
    if suffixes == {".npy"}:
        return _npy_parts([_npy(file) for file in files])
    if suffixes == {".parquet"}:
        return [part for file in files for part in _parquet_parts(file)]
    if suffixes == {".csv"}:
        return [
            Part(end - begin, *read_part(file, begin, end))
            for file in files
            for begin, end in csv_parts(file)
        ]
    found = ", ".join(file.name for file in files)
    raise ValueError(f"expected files of one kind, .npy, .csv or .parquet, found {found}")


class _Npy(NamedTuple):
    path: Path
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]
    by_column: bool

    def read(self, file: BinaryIO, first: int, count: int) -> list[np.ndarray]:
        """The columns of some rows."""
        columns = 1 if len(self.shape) == 1 else 2
        if columns == 2 and self.by_column:
            return [self._numbers(file, column * self.shape[0] + first, count) for column in range(2)]
        return list(self._numbers(file, columns * first, columns * count).reshape(count, columns).T)

    def _numbers(self, file: BinaryIO, first: int, count: int) -> np.ndarray:
        file.seek(self.offset + first * self.dtype.itemsize)
        numbers = np.fromfile(file, self.dtype, count)
        if len(numbers) < count:
            raise ValueError(f"{self.path}: became shorter while it was read")
        return numbers


def _npy(path: Path) -> _Npy:
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, by_column, dtype = read(file)
        except ValueError:
            raise ValueError(f"{path}: expected a .npy file, found another header") from None
        offset = file.tell()
    if dtype.kind not in "fiu":
        raise ValueError(f"{path}: expected an array of numbers, found {dtype}")
    if len(shape) not in (1, 2) or shape[1:] not in ((), (2,)):
        raise ValueError(f"{path}: expected shape (n, 2), or (n,) in two files, found {shape}")
    if 0 in shape:
        raise ValueError(f"{path}: expected at least one observation, found none")
    expected, found = offset + math.prod(shape) * dtype.itemsize, path.stat().st_size
    if found < expected:
        raise ValueError(f"{path}: expected {expected} bytes, found {found}: the file was cut short")
    return _Npy(path, offset, dtype, shape, by_column)


def _npy_parts(files: Sequence[_Npy]) -> list[Part]:
    dimensions = {len(file.shape) for file in files}
    if dimensions == {1} and len(files) == 2:
        if files[0].shape != files[1].shape:
            raise ValueError(
                f"{files[1].path}: expected {files[0].shape[0]} observations as in {files[0].path}, "
                f"found {files[1].shape[0]}"
            )
        return _rows_of(files)
    if dimensions == {2}:
        return [part for file in files for part in _rows_of([file])]
    shapes = ", ".join(str(file.shape) for file in files)
    raise ValueError(f"expected .npy files of shape (n, 2), or two of shape (n,), found {shapes}")


def _rows_of(files: Sequence[_Npy]) -> list[Part]:
    """Parts of one block each, of a file with both columns or of two files with one."""
    count = files[0].shape[0]
    bytes_of_a_row = sum(file.dtype.itemsize * len(file.shape) for file in files)

    def part(first: int) -> Part:
        rows = min(ROWS, count - first)

        def blocks() -> Iterator[np.ndarray]:
            columns = []
            for npy in files:
                with npy.path.open("rb") as file:
                    columns += npy.read(file, first, rows)
            yield np.stack(columns, 1)

        return Part(rows * bytes_of_a_row, blocks, lambda row: _not_finite(files[0].path, first + row))

    return [part(first) for first in range(0, count, ROWS)]


def _parquet_parts(path: Path) -> list[Part]:
    """A part for every group of rows."""
    parquet = require("pyarrow.parquet", "big")
    try:
        file = parquet.ParquetFile(path)
    except ValueError:  # pyarrow's ArrowInvalid
        raise ValueError(f"{path}: expected a Parquet file, found other bytes") from None
    with file:
        schema, metadata = file.schema_arrow, file.metadata
    numeric = require("pyarrow.types", "big")
    if len(schema) != 2:
        raise ValueError(f"{path}: expected two columns (input, observed), found {len(schema)}")
    for column in schema:
        if not (numeric.is_floating(column.type) or numeric.is_integer(column.type)):
            raise ValueError(f"{path}: expected numbers in column {column.name}, found {column.type}")
    if metadata.num_rows == 0:
        raise ValueError(f"{path}: expected at least one observation, found none")

    def part(group: int, first: int) -> Part:
        def blocks() -> Iterator[np.ndarray]:
            try:
                with parquet.ParquetFile(path, pre_buffer=False) as file:
                    for batch in file.iter_batches(ROWS, row_groups=[group]):
                        columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
                        yield np.stack(columns, 1)
            except OSError as error:  # pages that do not decompress
                raise ValueError(f"{path}: {str(error).splitlines()[0]}") from None

        size = metadata.row_group(group).total_byte_size
        return Part(size, blocks, lambda row: _not_finite(path, first + row))

    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return [part(group, sum(counts[:group])) for group in range(len(counts))]


def _not_finite(path: Path, row: int) -> None:
    raise ValueError(f"{path}, row {row}: expected two finite numbers, found NaN, infinity or nothing")
