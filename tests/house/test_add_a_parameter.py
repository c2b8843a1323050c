"""docs/add_a_parameter.md, followed to the letter in a copy."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_worked_example_adds_a_parameter(tmp_path: Path) -> None:
    """The diff of docs/add_a_parameter.md, applied to a copy, gives a w5 that agrees with autograd."""
    for folder in ("manual_backprop", "torch_reference", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    [diff] = re.findall(r"```diff\n(.*?)```", (ROOT / "docs/add_a_parameter.md").read_text(), re.DOTALL)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    command = "scripts/compare_gradients.py --wrt all --links --random 50 --json"
    done = subprocess.run(
        [sys.executable, *command.split()],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout)["rows"]
    assert {"w5", "d_predicted_d_w5"} <= {row["name"] for row in rows}
    assert all(row["agrees"] for row in rows)
