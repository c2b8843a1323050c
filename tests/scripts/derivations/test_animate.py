"""animate.py: which steps a frame shows, what both halves have room for, and what it refuses."""

from pathlib import Path

import pytest
import torch

import animate
from support.descent_frames import FRAMES, shown_steps


def test_most_frames_are_spent_where_the_ssr_changes() -> None:
    """All of the change is between steps 400 and 500; the first and the last step are there."""
    still = torch.ones(400, dtype=torch.float64)
    course = torch.cat([still, torch.linspace(0, -6, 101, dtype=torch.float64).exp(), 0.0025 * still])
    steps = shown_steps([course])
    assert (steps[0], steps[-1], len(steps) <= FRAMES + 1) == (0, 900, True)
    assert sum(400 <= step <= 500 for step in steps) > 0.4 * len(steps)
    assert shown_steps([still[:1]]) == [0]


@pytest.mark.slow
def test_it_says_where_it_starts_and_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two frames are enough for that; a descent that has left the data is refused."""
    pytest.importorskip("matplotlib")
    data = tmp_path / "mine.csv"
    data.write_text("dose in mg,size\n0,1\n1,0\n")
    animate.main(["--steps", "1", "--plot", str(tmp_path), "--data", str(data)])
    out = capsys.readouterr().out
    assert out.startswith("Start: where the lesson starts\n")
    assert "descent.gif" in out
    with pytest.raises(ValueError, match="Gradient descent diverges at learning rate 0\\.2"):
        animate.main(["--steps", "200", "--learning-rate", "0.2", "--plot", str(tmp_path)])
