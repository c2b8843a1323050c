"""Checkpoints of scripts/train.py: a run goes on with the same bits, and a bad file is refused as it is."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import train
from keeping import checkpoints
from perceptron_runs import SMALL, checkpoint_of, document, in_a_folder  # noqa: F401 (the folder of every test here)
from support.atomic_files import replacing


def same(one: Any, other: Any) -> bool:
    """Whether two documents hold the same bits."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


def killed_after_its_first_checkpoint(arguments: list[str], path: Path) -> None:
    """Run the script in a fork, for a new process would import torch for seconds, and kill it by SIGKILL."""
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            train.main(arguments)
        finally:
            os._exit(0)
    while not path.exists() and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


# From Python 3.12 on a fork warns of the test runner's own threads.
@pytest.mark.medium
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")
def test_a_run_that_is_killed_and_resumed_ends_with_the_same_bits() -> None:
    """Parameters, memories, torch's own run, counts, the best and the log are those of an unbroken run."""
    arguments = [*SMALL, "--patience", "900", "--epochs"]
    killed, whole = (["--checkpoint", f"{n}.pt", "--log", f"{n}.jsonl"] for n in ("killed", "whole"))
    killed_after_its_first_checkpoint([*arguments, "1000", *killed], Path("killed.pt"))
    reached = checkpoint_of("killed.pt")["point"]["epoch"]
    assert 0 < reached < 998
    arguments.append(str(reached + 2))
    assert train.main([*arguments, *killed, "--resume"]) == 0
    assert train.main([*arguments, *whole]) == 0
    assert same(checkpoint_of("killed.pt"), checkpoint_of("whole.pt"))
    assert Path("killed.jsonl").read_text() == Path("whole.jsonl").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", [["--optimiser", "gradient_descent", "--momentum", "0.9"], []])
def test_early_stopping_goes_on_where_it_was(
    optimiser: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The patience counts over the interruption, and the best epoch is found again."""
    arguments = [*SMALL, *optimiser, "--learning-rate", "0.3", "--patience", "3", "--epochs"]
    whole = document(capsys, *arguments, "40")
    assert whole["stopped"] == "no lower validation loss for 3 epochs"
    assert whole["epochs"] == whole["best_epoch"] + 3 < 40
    document(capsys, *arguments, str(whole["epochs"] - 1), "--checkpoint", "part.pt")
    resumed = document(capsys, *arguments, "40", "--checkpoint", "part.pt", "--resume")
    for found in (whole, resumed):
        found.pop("seconds")
    assert resumed == whole


def write_half(path: Path) -> None:
    """Begin to replace a file, and fail."""
    with replacing(path) as part:
        part.write_bytes(b"half")
        raise OSError("the disk is full")


def test_a_checkpoint_is_replaced_whole_or_not_at_all() -> None:
    """A failure while the new one is written leaves the old one, and nothing beside it."""
    path = Path("run.pt")
    checkpoints.save(path, "it.py", {}, {"epoch": 1})
    before = path.read_bytes()
    with pytest.raises(TypeError, match=r"not function \(content/epoch\)"):
        checkpoints.save(path, "it.py", {}, {"epoch": lambda: 2})
    with pytest.raises(OSError, match="full"):
        write_half(path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in Path().iterdir()) == ["mine.csv", "run.pt"]


def test_a_file_is_on_the_disk_before_it_takes_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut could leave the new name with half of the content."""
    order = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda d: (order.append(Path("it").exists()), real(d)))
    with replacing(Path("it")) as part:
        part.write_text("all of it")
    assert order == [False, True]  # the content before the rename, the folder after it


@pytest.mark.medium
def test_any_reader_of_safetensors_finds_the_parameters() -> None:
    """By their names, without a line of this project."""
    train.main([*SMALL, "--epochs", "1", "--checkpoint", "run.pt"])
    expected = checkpoint_of("run.pt")["point"]["parameters"]
    found = safetensors.torch.load_file("run.pt")
    assert set(expected) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    for name, value in expected.items():
        assert torch.equal(found[f"content/point/parameters/{name}"], value)


def test_after_a_kill_between_two_names_nothing_is_left_over(tmp_path: Path) -> None:
    """The checkpoint is there under both of its names: to give it the second again changes nothing."""
    path = tmp_path / "runs" / "run.pt"
    path.parent.mkdir()
    checkpoints.save(path, "it.py", {}, {"epoch": 1})
    checkpoints.previous(path).hardlink_to(path)
    checkpoints.save(path, "it.py", {}, {"epoch": 2})
    assert sorted(file.name for file in path.parent.iterdir()) == ["run.previous.pt", "run.pt"]
    content = [checkpoints.whole(file, torch.device("cpu"))[2] for file in (checkpoints.previous(path), path)]
    assert content == [{"epoch": 1}, {"epoch": 2}]
