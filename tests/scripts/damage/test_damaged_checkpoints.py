"""Damaged checkpoints: not one loads with other content, whatever was done to it; nothing in it runs."""

import hashlib
import re
from pathlib import Path

import pytest
import torch

import data_parallel
import train
from keeping import checkpoints
from mutated import COUNT, PROFILE, SEED, flipped, mutants

CPU = torch.device("cpu")
FLIPS = 1500 if PROFILE in ("ci", "thorough") else 100
TRAIN = [
    "--data",
    "mine.csv",
    "--hidden",
    "3",
    "--epochs",
    "2",
    "--log",
    "log.jsonl",
    "--checkpoint",
    "run.pt",
]
PARALLEL = [
    "--widths",
    "3,5,2",
    "--rows",
    "40",
    "--batch-size",
    "8",
    "--steps",
    "3",
    "--checkpoint",
    "run.pt",
]


@pytest.fixture(params=["train.py", "data_parallel.py"])
def good(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A checkpoint of either program, as run.pt in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    print(f"MUTANTS_SEED={SEED}")
    Path("mine.csv").write_text("a,y\n" + "".join(f"{k},{k % 7}\n" for k in range(30)))
    assert (train.main(TRAIN) if request.param == "train.py" else data_parallel.main(PARALLEL)) == 0
    Path("run.previous.pt").unlink(missing_ok=True)
    return Path("run.pt").read_bytes()


def refused(path: Path) -> str:
    """The one line about a checkpoint."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the caller looks at the message
        checkpoints.load(path, "it.py", {}, CPU)
    return str(caught.value)


def test_no_flipped_bit_loads(good: bytes) -> None:
    """Of single bits anywhere in the file: each is noticed, the header's too."""
    for bit, content in flipped(good, FLIPS):
        Path("bad.pt").write_bytes(content)
        message = refused(Path("bad.pt"))
        assert re.fullmatch(r"--checkpoint bad\.pt: (damaged|truncated)[^\n]*", message), (bit, message)


def test_no_other_damage_loads_either(good: bytes) -> None:
    """Cut, doubled, moved, filled: one line; a copy that damage left whole is the only one that is read."""
    for name, content in mutants(good, COUNT // 2):
        Path("bad.pt").write_bytes(content)
        message = refused(Path("bad.pt"))
        known = r"(damaged|truncated)[^\n]*" if content != good else "of another run: its program is [^\n]*"
        assert re.fullmatch(rf"--checkpoint bad\.pt: {known}", message), (name, message)


def test_a_checkpoint_made_by_hand_is_refused_in_one_line(good: bytes) -> None:
    """Damaged, and given the right checksum afterwards: no traceback, whatever the JSON says."""
    for name, content in mutants(good, COUNT // 4):
        found = checkpoints.SUM.search(content)
        if not found:
            continue
        empty = content[: found.start(1)] + checkpoints.EMPTY_SUM + content[found.end(1) :]
        digest = hashlib.sha256(empty).hexdigest().encode()
        Path("bad.pt").write_bytes(empty[: found.start(1)] + digest + empty[found.end(1) :])
        message = refused(Path("bad.pt"))
        assert re.fullmatch(r"--checkpoint bad\.pt: [^\n]+", message), (name, message)
