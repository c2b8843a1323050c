"""scripts/train.py answers every bad option, value and folder with one line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import train

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a process of its own, with the packages of this checkout."""
    command = [sys.executable, "scripts/train.py", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_bad_input_is_one_line_and_status_2() -> None:
    """A ValueError from deep inside ends the process as one from the parser does: without a traceback."""
    result = run("--learning-rate", "0")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "train.py: error: learning_rate must be above 0 and finite, found 0.0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "missing.csv"], "missing.csv: No such file"),
        (["--learning-rate", "nan"], "learning_rate must be above 0 and finite, found nan"),
        (["--learning-rate", "1e-60", "--dtype", "float32"], "learning_rate 1e-60 is 0.0 in torch.float32"),
        (["--steps", "-1"], "max_steps must be a whole number of at least 0, found -1"),
        (["--min-step-size", "-1"], "min_step_size must be at least 0 and finite, found -1.0"),
        (["--set", "w3=1e60", "--dtype", "float32"], "--set w3: 1e+60 overflows float32"),
        (["--device", "nonsense"], "this machine has no device 'nonsense'"),
        (["--set", "w3=1e200"], "the lesson's data: the SSR or a derivative at the start overflows float64"),
        (
            ["--set", "w1=1e20"],
            "the lesson's data: rounding has no finite bound here: expected numbers nearer to 1",
        ),
    ],
)
def test_a_bad_value_is_a_value_error(arguments: list[str], message: str) -> None:
    """Each says what was wrong and what was found, in one line; run prints it."""
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        train.main(arguments)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--learning-rate", "fast"], "invalid float value: 'fast'"),
        (["--steps", "2.5"], "invalid int value: '2.5'"),
        (["--init", "zero"], "invalid choice: 'zero'"),
        (["--seed", "-1"], "--seed: expected 0 or more"),
        (["--wrt", "w9"], "unknown parameter 'w9'"),
        (["--set", "w3"], "expected a finite number as in w3=0.36, found 'w3'"),
    ],
)
def test_a_bad_option_is_refused_by_the_parser(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on standard error, nothing on standard output, status 2."""
    with pytest.raises(SystemExit) as caught:
        train.main(arguments)
    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"--plot .*file.*: (Not a directory|File exists)"):
        train.main(["--steps", "1", "--plot", str(tmp_path / "file")])


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before any work is done."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match=r"\[plot\]"):
        train.main(["--plot", str(tmp_path)])
