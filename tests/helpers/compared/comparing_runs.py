"""What a run of scripts/compare_gradients.py shows, and a file for it to read."""

from pathlib import Path
from typing import NamedTuple


class Result(NamedTuple):
    """What a user sees of a run."""

    status: int
    out: str
    err: str


def csv_file(folder: Path, text: str | bytes) -> str:
    """A file with that content."""
    path = folder / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)
