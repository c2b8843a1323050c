"""compare_gradients.py --counterexample without --model: a small case of the lesson's network."""

from pathlib import Path

import pytest

import compare_gradients
from counterexamples import run_afresh


@pytest.mark.slow
def test_a_counterexample_asks_for_no_more_than_was_asked_for(tmp_path: Path) -> None:
    """It would stay a failure when the three derivatives are mended: the other four are not missing."""
    path = tmp_path / "small.py"
    assert compare_gradients.main(["--derivation", "unruly:wrong_sign", "--counterexample", str(path)]) == 1
    found = run_afresh(path)
    assert found.returncode == 1
    assert "missing" not in found.stdout
    path.write_text(path.read_text().replace("unruly:wrong_sign", "unruly:right"))
    assert run_afresh(path).returncode == 0
