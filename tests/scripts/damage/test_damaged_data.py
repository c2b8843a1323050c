"""Damaged CSV, .npy and Parquet files: read as they are, or refused in one line; never another number."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch

from mutated import COUNT, ODD, SEED, mutants
from reading.columns import read_observations
from scaling import data_part, data_sources_csv
from scaling.data_sources import parts

HEADERS = {
    "comma.csv": "dose,effect\n",
    "semicolon.csv": "dose;effect\n",
    "comments.csv": "# of May\ndose\teffect\n",
    "utf_16.csv": "dose;effect\n",
}
QUOTED = (b'"1"2', b'"1\n2"', b'"3"', b"# x", b"#", b"\n#1,2\n", b"\n\n", b"1,2,3\n", b";;\n")
NUMBERS = np.random.default_rng(1).standard_normal((40, 2)) * [1, 1e3]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 rows are several pieces, and their borders are damaged too."""
    print(f"{COUNT} mutants of MUTANTS_SEED={SEED}")
    monkeypatch.setattr(data_sources_csv, "BYTES", 300)
    monkeypatch.setattr(data_part, "ROWS", 16)


def outcome(read: Callable[[], object]) -> object:
    """What was read, or the one line that refuses it."""
    try:
        return read()
    except ValueError as error:
        line = str(error)
    assert "\n" not in line
    return line


def in_pieces(path: str) -> list[list[float]]:
    """The two columns as large.py reads them."""
    blocks = [torch.stack(block) for part in parts([path]) for block in part]
    if not blocks:
        raise ValueError(f"{path}: expected at least one row below the header, found none")
    return torch.cat(blocks, 1).tolist()


def at_once(path: str) -> list[list[float]]:
    """The two columns as the lesson's programs read them."""
    found = read_observations(path)
    return [found.inputs, found.observed]


def csv_text(name: str) -> bytes:
    """The numbers as text."""
    separator = HEADERS[name].strip()[-7]
    rows = "".join(f"{x!r}{separator}{y!r}\n" for x, y in NUMBERS.tolist())
    rows = rows.replace(".", ",") if separator == ";" else rows
    return (HEADERS[name] + rows).encode("utf-16" if name == "utf_16.csv" else "utf-8")


def lines_of_data(content: bytes) -> int:
    """Lines that hold anything besides separators and comments, below the header."""
    lines = content.decode("utf-8", errors="replace").replace("\r", "\n").split("\n")
    held = [line for line in lines if any(cell.strip() for cell in line.split(","))]
    return sum(not line.lstrip().startswith("#") for line in held) - 1


@pytest.mark.parametrize("name", HEADERS)
def test_both_readers_of_csv_find_the_same_in_a_damaged_file(name: str, tmp_path: Path) -> None:
    """The same numbers in as many rows as there are lines, or a refusal by both, in one line each."""
    path = tmp_path / name
    read = 0
    for mutant, content in mutants(csv_text(name), COUNT // 4, (*ODD, *QUOTED)):
        path.write_bytes(content)
        small, large = outcome(lambda: at_once(str(path))), outcome(lambda: in_pieces(str(path)))
        if isinstance(small, str) or isinstance(large, str):
            assert isinstance(small, str), (mutant, large)
            assert isinstance(large, str) or "over several" in small, (mutant, small)
            assert small.startswith(str(path)), mutant
            continue
        read += 1
        assert small == large, mutant
        assert np.isfinite(small).all(), mutant
        if name == "comma.csv" and b'"' not in content:
            assert len(small[0]) == lines_of_data(content), mutant
    assert read > 0 or COUNT < 1000  # some damage leaves a table behind


def npy_bytes(order: str) -> bytes:
    """The numbers as a .npy file."""
    file = io.BytesIO()
    np.save(file, np.asarray(NUMBERS, order=order))
    return file.getvalue()


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_damaged_npy_file_holds_what_numpy_finds_in_it(order: str, tmp_path: Path) -> None:
    """Its numbers, all of them, or a refusal in one line."""
    path = tmp_path / "damaged.npy"
    for mutant, content in mutants(npy_bytes(order), COUNT // 2):
        path.write_bytes(content)
        found = outcome(lambda: in_pieces(str(path)))
        if isinstance(found, str):
            assert found.startswith((str(path), "expected .npy files of shape")), (mutant, found)
            continue
        with np.errstate(all="ignore"):
            expected = np.load(path, allow_pickle=False).astype(np.float64)
        assert np.array_equal(np.array(found).T, expected), mutant


def test_a_damaged_parquet_file_is_refused_or_whole(tmp_path: Path) -> None:
    """Its pages have checksums, as generate.py writes them: what is read is what was written."""
    path = tmp_path / "damaged.parquet"
    table = pyarrow.table({"a": NUMBERS[:, 0], "b": NUMBERS[:, 1]})
    pyarrow.parquet.write_table(table, path, row_group_size=15, write_page_checksum=True)
    other = []
    for mutant, content in mutants(path.read_bytes(), COUNT):
        path.write_bytes(content)
        found = outcome(lambda: in_pieces(str(path)))
        if isinstance(found, str):
            assert found.startswith(str(path)), (mutant, found)
        elif found != NUMBERS.T.tolist():
            other.append(mutant)
    assert not other
