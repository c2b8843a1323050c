"""Checkpoints of scripts/train.py that are damaged, or of another run: one clear line, nothing touched."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import train
from keeping import checkpoints
from perceptron_runs import CSV, SMALL, checkpoint_of, document, in_a_folder  # noqa: F401 (of every test)


class Planted:
    """What runs when a pickle that holds it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Make a folder."""
        return os.mkdir, ("it-ran",)


def damaged(kind: str) -> bytes:
    """A checkpoint with something wrong."""
    whole = Path("good.pt").read_bytes()
    if kind == "flipped":
        return whole[:-1] + bytes([whole[-1] ^ 1])
    if kind == "other program":
        content = checkpoint_of("good.pt")
        checkpoints.save(Path("other.pt"), "data_parallel.py", {}, content)
    elif kind == "code":
        torch.save({"format": Planted()}, "other.pt")
    else:
        return {"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"no checkpoint"}[kind]
    return Path("other.pt").read_bytes()


@pytest.mark.medium
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "damaged, its content is not what was written"),
        ("text", "truncated, or not a checkpoint"),
        ("empty", "truncated, or not a checkpoint"),
        ("code", "truncated, or not a checkpoint"),
        ("other program", "of another run: its program is data_parallel.py, expected train.py"),
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


@pytest.mark.medium
def test_the_checkpoint_before_a_damaged_one_is_offered_and_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is that of the epoch before; followed to the letter, the offer ends with the same numbers."""
    whole = document(capsys, *SMALL, "--epochs", "4", "--checkpoint", "run.pt")
    bits = bytearray(Path("run.pt").read_bytes())
    bits[len(bits) // 2] ^= 4
    Path("run.pt").write_bytes(bits)
    resumed = [*SMALL, "--epochs", "4", "--checkpoint", "run.pt", "--resume"]
    with pytest.raises(
        ValueError, match=r"damaged, .*; the one before it is whole: mv (\S+) (\S+)$"
    ) as caught:
        train.main(resumed)
    before, after = str(caught.value).split("mv ")[1].split()
    Path(before).rename(after)
    assert checkpoint_of("run.pt")["point"]["epoch"] == 3
    assert document(capsys, *resumed)["manual"] == whole["manual"]


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (lambda log: log[:-30], r"\d+ bytes"),
        (lambda log: log.replace(b"1", b"2", 1), "others"),
        (lambda log: b"another log\n" * 1000, "others"),
    ],
)
def test_a_log_that_is_not_the_checkpoints_is_left_alone(now: Callable[[bytes], bytes], found: str) -> None:
    """Cut short, changed, or of another run: no line is written behind half a line."""
    arguments = [*SMALL, "--checkpoint", "run.pt", "--log", "log.jsonl"]
    train.main([*arguments, "--epochs", "2"])
    Path("log.jsonl").write_bytes(now(Path("log.jsonl").read_bytes()))
    before = Path("log.jsonl").read_bytes()
    expected = (
        r"--log log\.jsonl: expected to begin with the \d+ bytes that the checkpoint's run had logged, "
    )
    with pytest.raises(ValueError, match=f"{expected}found {found}"):
        train.main([*arguments, "--epochs", "3", "--resume"])
    assert Path("log.jsonl").read_bytes() == before


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
