"""Data larger than memory: .npy, CSV and Parquet files, cut into parts that are read block by block.

Files are read, not mapped: the pages of a memory map count as the process's own memory once they are touched.
"""

from collections.abc import Sequence
from pathlib import Path

from scaling.data_part import Part
from scaling.data_sources_csv import csv_parts
from scaling.data_sources_npy import npy_parts
from scaling.data_sources_parquet import parquet_parts

TEXTS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


def parts(paths: Sequence[str], inputs: str | None = None, observed: str | None = None) -> list[Part]:
    """Every part of the files, in order; headers, sizes and columns are checked here, before any reading.

    Errors: ValueError in one line for a file that is missing, cut short, empty or of another kind
    """
    files = [Path(path) for path in paths]
    for file in files:
        if not file.is_file():
            raise ValueError(f"{file}: no such file")
    kinds = {_kind(file) for file in files}
    if kinds == {".npy"}:
        if inputs or observed:
            raise ValueError("--inputs and --outputs: expected .csv or .parquet, for .npy names no columns")
        return npy_parts(files)
    if kinds == {".parquet"}:
        return [part for file in files for part in parquet_parts(file, inputs, observed)]
    if kinds == {".csv"}:
        return [part for file in files for part in csv_parts(file, inputs, observed)]
    found = ", ".join(file.name for file in files)
    raise ValueError(f"expected files of one kind, .npy, .csv or .parquet, found {found}")


def _kind(file: Path) -> str:
    name = file.name.lower()
    return ".csv" if name.endswith(TEXTS) else file.suffix.lower()
