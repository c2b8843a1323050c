"""Observations in Parquet files: two columns of numbers, a group of rows after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from reading.columns import say_assumed, two_columns
from scaling import data_part
from scaling.data_part import Part
from support.installed_packages import require


def parquet_parts(path: Path, inputs: str | None = None, observed: str | None = None) -> list[Part]:
    """A part for every group of rows; columns and their types are checked here."""
    with _opened(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
    columns = schema.names
    if len(set(columns)) < len(columns):
        raise ValueError(f"{path}: two columns have one name, of {', '.join(columns)}")
    names = two_columns(str(path), columns, inputs, observed)
    numeric = require("pyarrow.types", "big")
    for name in names:
        kind = schema.field(name).type
        if not (numeric.is_floating(kind) or numeric.is_integer(kind)):
            raise ValueError(f"{path}: expected numbers in column {name}, found {kind}")
    if metadata.num_rows == 0:
        raise ValueError(f"{path}: expected at least one observation, found none")
    say_assumed(str(path), f"Parquet; input {names[0]!r}, observed {names[1]!r}")
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    if sum(counts) != metadata.num_rows or min(counts) < 0:
        raise ValueError(f"{path}: damaged, its groups have {sum(counts)} rows of {metadata.num_rows}")
    sizes = [metadata.row_group(group).total_byte_size for group in range(len(counts))]
    return [
        _part(path, names, group, sum(counts[:group]), counts[group], size)
        for group, size in enumerate(sizes)
    ]


def _part(path: Path, names: tuple[str, str], group: int, first: int, count: int, size: int) -> Part:
    def blocks() -> Iterator[np.ndarray]:
        seen = 0
        with _opened(path) as file:
            for batch in file.iter_batches(data_part.ROWS, row_groups=[group], columns=list(names)):
                columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
                seen += len(columns[0])
                yield np.stack(columns, 1)
        if seen != count:
            raise ValueError(f"{path}: damaged, expected {count} rows in group {group}, found {seen}")

    return Part(size, blocks, lambda row: f"{path}, row {first + row}")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, closed afterwards; whatever pyarrow makes of damaged bytes is a ValueError in one line."""
    parquet = require("pyarrow.parquet", "big")
    try:
        with parquet.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            yield file
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except Exception as error:
        what = next(iter(str(error).splitlines()), type(error).__name__)
        known = what if what.startswith(str(path)) else f"{path}: expected a Parquet file, whole: {what}"
        raise ValueError(known) from None
