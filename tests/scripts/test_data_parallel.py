"""scripts/data_parallel.py in one process: its options, its data, its checkpoint."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import data_parallel
from keeping import checkpoints
from manual_backprop.optimisers.momentum import Velocity
from scaling.data_parallel_checkpoint import State, load, save

CPU = torch.device("cpu")


TINY = ["--widths", "3,5,2", "--rows", "40", "--batch-size", "8"]


def test_a_checkpoint_comes_back_to_the_bit(tmp_path: Path) -> None:
    """Parameters, step and what the optimiser remembers."""
    numbers = torch.tensor([0.1, -2.5], dtype=torch.float64)
    state = State(7, {"0.bias": numbers}, {"0.bias": Velocity(numbers * 3)})
    save(state, tmp_path / "file.pt", {"seed": 1})
    again = load(tmp_path / "file.pt", {"seed": 1}, "gradient_descent", CPU)
    assert again.step == 7
    assert torch.equal(again.parameters["0.bias"], numbers)
    assert torch.equal(again.memory["0.bias"].velocity, numbers * 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume", "--checkpoint", "missing.pt"], "missing.pt: No such file"),
        (["--data", "missing.npy"], "missing.npy: No such file"),
        (["--widths", "4"], "at least two widths"),
        (["--widths", "3,0,1"], "at least two widths of at least 1"),
        (["--device", "nonsense"], "no device 'nonsense'"),
    ],
)
def test_a_bad_option_is_one_clear_line(arguments: list[str], message: str) -> None:
    """Before any step."""
    with pytest.raises(ValueError, match=re.escape(message)):
        data_parallel.main(arguments)


def test_a_file_that_is_no_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    """Other bytes."""
    (tmp_path / "text.pt").write_text("not a checkpoint")
    with pytest.raises(ValueError, match="truncated, or not a checkpoint of this project"):
        load(tmp_path / "text.pt", {}, "adam", CPU)


OTHERS = {
    "--activation tanh": "its activation is softplus, expected tanh",
    "--seed 1": "its seed is 0, expected 1",
    "--learning-rate 0.01": "its learning rate is 0.001, expected 0.01",
    "--batch-size 16": "its batch size is 8, expected 16",
    "--rows 41": "of other data",
    "--data {data}": "of other data",
    "--widths 3,6,2": r"its widths is \[3, 5, 2\], expected \[3, 6, 2\]",
    "--optimiser gradient_descent": "its optimiser is adam, expected gradient_descent",
}


@pytest.mark.parametrize(("other", "message"), OTHERS.items(), ids=OTHERS)
def test_a_checkpoint_of_another_training_is_refused(other: str, message: str, tmp_path: Path) -> None:
    """And stays as it is."""
    np.save(tmp_path / "rows.npy", np.ones((40, 5)))
    checkpoint = tmp_path / "run.pt"
    data_parallel.main([*TINY, "--steps", "2", "--checkpoint", str(checkpoint)])
    before = checkpoint.read_bytes()
    arguments = [*TINY, *other.format(data=tmp_path / "rows.npy").split()]
    with pytest.raises(ValueError, match=message):
        data_parallel.main([*arguments, "--steps", "4", "--checkpoint", str(checkpoint), "--resume"])
    assert checkpoint.read_bytes() == before


def test_nan_in_the_data_stops_with_step_and_row_and_overwrites_nothing(tmp_path: Path) -> None:
    """The last checkpoint is that of the step before."""
    rows = np.ones((40, 5))
    rows[37, 2] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    checkpoint = tmp_path / "run.pt"
    arguments = [*TINY, "--data", str(tmp_path / "rows.npy"), "--checkpoint", str(checkpoint), "--every", "1"]
    message = r"rows\.npy, row 37: expected finite numbers, found NaN or infinity, at step 4"
    with pytest.raises(ValueError, match=message):
        data_parallel.main([*arguments, "--steps", "9"])
    assert checkpoints.whole(checkpoint, CPU)[2]["step"] == 4


def test_a_step_that_leads_nowhere_stops_before_anything_is_overwritten(tmp_path: Path) -> None:
    """A rate of 1e200: NaN and infinity are never written down."""
    checkpoint = tmp_path / "run.pt"
    arguments = ["--optimiser", "gradient_descent", "--learning-rate", "1e200", "--every", "1"]
    with pytest.raises(ValueError, match=r"step \d: NaN or infinity, first in [a-z0-9_. ]+; a smaller"):
        data_parallel.main([*TINY, *arguments, "--checkpoint", str(checkpoint)])
    kept = checkpoints.whole(checkpoint, CPU)[2]
    assert all(value.isfinite().all() for value in kept["parameters"].values())


BAD_FILES = {
    "empty": (b"", "expected a .npy file, found another header"),
    "archive": (b"PK\x03\x04 npz", "expected a .npy file, found another header"),
    "header": (b"\x93NUMPY\x01\x00\x08\x00" + b"(((((((\n", "expected a .npy file, found another header"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_clear_line(content: bytes, message: str, tmp_path: Path) -> None:
    """Whatever its bytes lead numpy to."""
    (tmp_path / "bad.npy").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        data_parallel.main([*TINY, "--data", str(tmp_path / "bad.npy")])


@pytest.mark.parametrize("timeout", ["inf", "nan", "0", "-1", "1e9", "soon"])
def test_a_time_limit_that_is_none_is_refused(timeout: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By the parser, in one line."""
    with pytest.raises(SystemExit):
        data_parallel.main(["--timeout", timeout])
    assert f"at most 1000000 seconds, found {timeout!r}" in capsys.readouterr().err
