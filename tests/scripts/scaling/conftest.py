"""What the tests of scripts/large.py share: small blocks, and 500 observations in every kind of file."""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

import generate
from scaling import data_part
from scaling import data_sources_csv as sources_csv
from scaling import passes_over_data as passes


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred observations are many blocks and many parts."""
    monkeypatch.setattr(data_part, "ROWS", 64)
    monkeypatch.setattr(sources_csv, "BYTES", 1000)
    monkeypatch.setattr(passes, "AT_ONCE", 50)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 observations in every kind of file, in two row groups of Parquet."""
    folder = tmp_path_factory.mktemp("data")
    for suffix in generate.WRITERS:
        assert generate.main(["500", str(folder / f"whole{suffix}"), "--seed", "3"]) == 0
    whole = np.load(folder / "whole.npy")
    np.save(folder / "input.npy", whole[:, 0])
    np.save(folder / "observed.npy", whole[:, 1])
    np.save(folder / "fortran.npy", np.asfortranarray(whole.astype(">f8")))
    table = pyarrow.parquet.read_table(folder / "whole.parquet")
    pyarrow.parquet.write_table(table, folder / "groups.parquet", row_group_size=130)
    return folder
