"""Checkpoints of scripts/train.py: a run goes on with the same bits, and a bad file is refused as it is."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import train
from perceptron_runs import CSV, SMALL, document, in_a_folder  # noqa: F401 (the folder of every test here)
from support.atomic_files import replacing
from training import checkpoint


def contents(path: str) -> dict[str, Any]:
    """What a checkpoint holds, without the checksum."""
    return torch.load(path, weights_only=True)


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
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")
def test_a_run_that_is_killed_and_resumed_ends_with_the_same_bits() -> None:
    """Parameters, memories, torch's own run, counts, the best and the log are those of an unbroken run."""
    arguments = [*SMALL, "--patience", "900", "--epochs"]
    killed, whole = (["--checkpoint", f"{n}.pt", "--log", f"{n}.jsonl"] for n in ("killed", "whole"))
    killed_after_its_first_checkpoint([*arguments, "1000", *killed], Path("killed.pt"))
    reached = contents("killed.pt")["point"]["epoch"]
    assert 0 < reached < 998
    arguments.append(str(reached + 2))
    assert train.main([*arguments, *killed, "--resume"]) == 0
    assert train.main([*arguments, *whole]) == 0
    assert same(contents("killed.pt"), contents("whole.pt"))
    assert Path("killed.jsonl").read_text() == Path("whole.jsonl").read_text()


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
    checkpoint.save(path, {"made_for": {}, "epoch": 1})
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        checkpoint.save(path, {"made_for": {}, "epoch": lambda: 2})
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


class Planted:
    """What runs when a pickle that holds it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Make a folder."""
        return os.mkdir, ("it-ran",)


def damaged(kind: str) -> bytes:
    """A checkpoint with something wrong."""
    whole = Path("good.pt").read_bytes()
    if kind in ("truncated", "empty", "text"):
        return {"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"no checkpoint"}[kind]
    content = contents("good.pt")
    content["point"]["parameters"]["0.weight"].view(-1)[0] += 1e-9
    torch.save({"flipped": content, "other": {"a": 1}, "code": {"format": Planted()}}[kind], "other.pt")
    return Path("other.pt").read_bytes()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "truncated, or not a checkpoint"),
        ("text", "truncated, or not a checkpoint"),
        ("empty", "truncated, or not a checkpoint"),
        ("code", "truncated, or not a checkpoint"),
        ("other", "not a checkpoint of this program"),
        ("flipped", "damaged, its content is not what was written"),
    ],
)
def test_a_damaged_checkpoint_is_one_line_and_stays_as_it_is(kind: str, message: str) -> None:
    """Nothing in it runs, and neither it nor the log is touched."""
    train.main([*SMALL, "--epochs", "1", "--checkpoint", "good.pt"])
    Path("bad.pt").write_bytes(damaged(kind))
    before = Path("bad.pt").read_bytes()
    Path("log.jsonl").write_text("what was logged\n")
    with pytest.raises(ValueError, match=message) as caught:
        train.main([*SMALL, "--checkpoint", "bad.pt", "--resume", "--log", "log.jsonl"])
    assert "\n" not in str(caught.value)
    assert Path("bad.pt").read_bytes() == before
    assert Path("log.jsonl").read_text() == "what was logged\n"
    assert not Path("it-ran").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "6"], r"another run: its widths is \[3, 5, 2\], expected \[3, 6, 2\]"),
        (["--activation", "tanh"], "its activations is"),
        (["--optimiser", "adamw"], "its optimiser is adam, expected adamw"),
        (["--learning-rate", "0.5"], "its settings is"),
        (["--seed", "1"], "of other data, or another split of them"),
        (["--standardise"], "of other data, or another split of them"),
        (["--data", "more.csv"], "the class 'both' was never seen by its run, which knows even, odd"),
        (["--data", "less.csv"], "of other data, or another split of them"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(arguments: list[str], message: str) -> None:
    """Another network, recipe, data set, split or a class that it has never seen."""
    Path("more.csv").write_text(CSV + "1,2,3,4,both\n" * 20)
    Path("less.csv").write_text("\n".join(CSV.splitlines()[:-1]))
    usual = ["--data", "mine.csv", "--class", "kind", "--inputs", "a,b,y", "--hidden", "5", "--epochs", "1"]
    train.main([*usual, "--checkpoint", "run.pt"])
    before = Path("run.pt").read_bytes()
    with pytest.raises(ValueError, match=message):
        train.main([*usual, *arguments, "--checkpoint", "run.pt", "--resume"])
    with pytest.raises(ValueError, match="exists already; --resume goes on from it"):
        train.main([*usual, "--checkpoint", "run.pt"])
    assert Path("run.pt").read_bytes() == before
