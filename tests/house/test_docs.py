"""What the documentation shows works as it is shown."""

import importlib
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


def test_the_end_of_the_training_in_the_readme_is_what_the_command_prints(capsys) -> None:
    """The last five lines at learning rate 0.1, to the letter."""
    import train

    train.main(["--learning-rate", "0.1"])
    printed = capsys.readouterr().out.splitlines()[-5:]
    assert "\n".join(printed) in (ROOT / "README.md").read_text()


COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for line in block.splitlines()
    if line.strip().startswith(
        ("./scripts/run python scripts/compare_gradients.py", "./scripts/run python scripts/train.py")
    )
]


# The trainings take seconds each; tests/scripts/test_train.py runs shorter ones in every profile.
@pytest.mark.parametrize(
    "command",
    [pytest.param(command, marks=pytest.mark.slow if "train.py" in command else ()) for command in COMMANDS],
)
def test_every_command_of_the_readme_runs(command: str, tmp_path: Path, monkeypatch, capsys) -> None:
    """As written, except that the ten million networks are fifty and the epochs are one."""
    script = importlib.import_module(Path(command.split()[2]).stem)

    (tmp_path / "mine.csv").write_text("dose,effect\n0.1,0.2\n0.4,0.9\n")
    monkeypatch.chdir(tmp_path)
    short = re.sub(r"--epochs \d+", "--epochs 1", re.sub(r"--random \d+", "--random 50", command))
    arguments = short.split()[3:]
    agrees = "--softplus-threshold" not in arguments
    assert script.main(arguments) == (0 if agrees else 1)
    assert capsys.readouterr().out


def test_the_table_of_the_readme_is_what_the_command_prints(capsys) -> None:
    """The first command's output stands in the README to the letter, but for trailing blanks."""
    import compare_gradients

    compare_gradients.main([])
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    readme = [line.rstrip() for line in (ROOT / "README.md").read_text().splitlines()]
    start = readme.index(printed[0])
    assert readme[start : start + len(printed)] == printed
