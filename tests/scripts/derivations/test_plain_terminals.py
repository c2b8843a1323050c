"""A terminal of any encoding, and of any width from 40, gets the whole result."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.tables import open_console, plain_table

ROOT = Path(__file__).parents[3]


def printed(**environment: str) -> str:
    """What the derivation in numbers looks like there."""
    done = subprocess.run(
        [sys.executable, "scripts/compare_gradients.py", "--explain"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode(environment.get("PYTHONIOENCODING", "utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_the_signs_of_a_formula_are_spelled_where_there_are_none(encoding: str) -> None:
    """No line is lost, and no minus becomes a question mark."""
    out = printed(PYTHONIOENCODING=encoding)
    assert "?" not in out
    assert "Residual = Observed - Predicted" in out
    assert "AGREEMENT" in out


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_table_folds_no_number_and_ends_no_line_in_blanks(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its columns give way at their blanks, or each row becomes a block of lines."""
    monkeypatch.setenv("COLUMNS", str(width))
    table = plain_table("derivative", "SSR after 1000", "autograd", "bound", "")
    table.add_row("d_predicted_d_w3[0]", "2.5761395", "-2.5761395", "2.0e-14", "[red]not the same shape[/]")
    open_console().print("What is so long that it goes on in the next line of a terminal of eighty columns.")
    open_console().print(table)
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= min(width, 80) and line == line.rstrip() for line in lines)
    words = " ".join(lines).split()
    assert {"d_predicted_d_w3[0]", "2.5761395", "-2.5761395", "2.0e-14"} <= set(words)
    assert ("derivative d_predicted_d_w3[0]" in lines) == (width < 60)


@pytest.mark.slow
def test_no_number_is_cut_in_a_narrow_terminal() -> None:
    """A cell without room goes on in the next line."""
    out = printed(COLUMNS="40", PYTHONIOENCODING="utf-8")
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80
