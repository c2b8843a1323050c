"""The header of a .npy file, and its numbers read piece by piece; nothing in it is ever unpickled."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np


class NpyFile(NamedTuple):
    """Where the numbers of a file begin, and how they lie."""

    path: Path
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]
    by_column: bool

    def numbers(self, file: BinaryIO, first: int, count: int) -> np.ndarray:
        """So many numbers in the order of the file."""
        file.seek(self.offset + first * self.dtype.itemsize)
        numbers = np.fromfile(file, self.dtype, count)
        if len(numbers) < count:
            raise ValueError(f"{self.path}: became shorter while it was read")
        return numbers

    def mapped(self) -> np.ndarray:
        """All numbers, as a map of the file that reads what is asked for."""
        order = "F" if self.by_column else "C"
        try:
            return np.memmap(self.path, self.dtype, "r", self.offset, self.shape, order)
        except OSError as error:
            raise ValueError(f"{self.path}: {error.strerror or error}") from None


def npy_file(path: Path) -> NpyFile:
    """A file of real numbers whose size is what its header says; else a ValueError in one line."""
    try:
        with path.open("rb") as file:
            shape, by_column, dtype = _header(file)
            offset, found = file.tell(), path.stat().st_size
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except Exception:  # numpy parses the header as Python, and raises whatever its bytes lead to
        raise ValueError(f"{path}: expected a .npy file, found another header") from None
    if dtype.kind not in "fiu":
        raise ValueError(f"{path}: expected an array of numbers, found {dtype}")
    if any(size < 0 for size in shape):
        raise ValueError(f"{path}: expected a .npy file, found another header")
    expected = offset + math.prod(shape) * dtype.itemsize
    if found != expected:
        why = "the file was cut short" if found < expected else "there are more numbers than its header says"
        raise ValueError(f"{path}: expected {expected} bytes, found {found}: {why}")
    return NpyFile(path, offset, dtype, shape, by_column)


def _header(file: BinaryIO) -> tuple[Sequence[int], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)
