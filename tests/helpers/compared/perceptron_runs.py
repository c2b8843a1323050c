"""What the tests of scripts/train.py for perceptrons share: data, a folder, a run in this process."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import train
from keeping import checkpoints

SMALL = ["--data", "iris", "--hidden", "5", "--standardise", "--batch-size", "16"]
CSV = "a,b,y,z,kind\n" + "".join(
    f"{k},{k * k % 7},{2 * k + 1},{(k % 5) / 5},{'odd' if k % 2 else 'even'}\n" for k in range(30)
)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that a test names lies in a folder of its own."""
    (tmp_path / "mine.csv").write_text(CSV)
    monkeypatch.chdir(tmp_path)


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON object of a run in this process, whose witnesses agree."""
    assert train.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def checkpoint_of(path: str) -> dict[str, Any]:
    """What a checkpoint holds, without what it says of itself."""
    return checkpoints.whole(Path(path), torch.device("cpu"))[2]
