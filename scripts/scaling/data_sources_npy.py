"""Observations in .npy files: both columns in one, or each in its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from reading.npy_files import NpyFile, npy_file
from scaling import data_part
from scaling.data_part import Part


def npy_parts(paths: Sequence[Path]) -> list[Part]:
    """Parts of one block each; shapes are checked here."""
    files = [_of_two_columns(path) for path in paths]
    dimensions = {len(file.shape) for file in files}
    if dimensions == {1} and len(files) == 2:
        if files[0].shape != files[1].shape:
            raise ValueError(
                f"{files[1].path}: expected {files[0].shape[0]} observations as in {files[0].path}, "
                f"found {files[1].shape[0]}"
            )
        return _parts_of(files)
    if dimensions == {2}:
        return [part for file in files for part in _parts_of([file])]
    shapes = ", ".join(str(file.shape) for file in files)
    raise ValueError(f"expected .npy files of shape (n, 2), or two of shape (n,), found {shapes}")


def _of_two_columns(path: Path) -> NpyFile:
    file = npy_file(path)
    if len(file.shape) not in (1, 2) or file.shape[1:] not in ((), (2,)):
        raise ValueError(f"{path}: expected shape (n, 2), or (n,) in two files, found {file.shape}")
    if 0 in file.shape:
        raise ValueError(f"{path}: expected at least one observation, found none")
    return file


def _parts_of(files: Sequence[NpyFile]) -> list[Part]:
    """Of a file with both columns, or of two files with one."""
    count = files[0].shape[0]
    bytes_of_a_row = sum(file.dtype.itemsize * len(file.shape) for file in files)

    def part(first: int) -> Part:
        rows = min(data_part.ROWS, count - first)

        def blocks() -> Iterator[np.ndarray]:
            yield np.stack([column for file in files for column in _columns(file, first, rows)], 1)

        return Part(rows * bytes_of_a_row, blocks, lambda row: f"{files[0].path}, row {first + row}")

    return [part(first) for first in range(0, count, data_part.ROWS)]


def _columns(npy: NpyFile, first: int, count: int) -> list[np.ndarray]:
    """The columns of some rows."""
    with npy.path.open("rb") as file:
        if len(npy.shape) == 1:
            return [npy.numbers(file, first, count)]
        if npy.by_column:
            return [npy.numbers(file, column * npy.shape[0] + first, count) for column in range(2)]
        return list(npy.numbers(file, 2 * first, 2 * count).reshape(count, 2).T)
