"""Run the script of a counterexample, in this process or in a fresh one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_here(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict]:
    """The script's exit status, and what it defined."""
    monkeypatch.setattr(sys, "path", [*sys.path])  # it puts its own folder there
    scope: dict = {}
    with pytest.raises(SystemExit) as stop:
        exec(compile(text, "counterexample.py", "exec"), scope)
    return stop.value.code, scope


def run_afresh(path: Path) -> subprocess.CompletedProcess[str]:
    """In the folder from which the tests' own modules can be imported."""
    return subprocess.run(
        [sys.executable, str(path)],
        cwd=ROOT / "tests/helpers/user_code",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
