"""A cache of kernels with nothing in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from manual_backprop.fast.kernels import compiled_library


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the kernels, not made yet, and a process that has not asked for one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled_library.forget()
    yield tmp_path / "manual-backprop"
    compiled_library.forget()
