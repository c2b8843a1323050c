"""Kills and full disks: the last checkpoint is whole, a run goes on with the same bits, a line says why."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import processes
from keeping import checkpoints
from mutated import PROFILE, SEED
from support import left_behind

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
KILLS = 5 if PROFILE in ("ci", "thorough") else 1
SOON = 60
TRAIN = ["--data", "mine.csv", "--hidden", "3", "--checkpoint", "run.pt", "--log", "log.jsonl", "--epochs"]
PARALLEL = [
    "--widths",
    "3,5,2",
    "--rows",
    "40",
    "--batch-size",
    "8",
    "--every",
    "1",
    "--checkpoint",
    "run.pt",
]
RUNS = {"train": (TRAIN, "epoch"), "data_parallel": ([*PARALLEL, "--every", "1", "--steps"], "step")}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file lies in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("a,y\n" + "".join(f"{k},{k % 7}\n" for k in range(30)))


def finished(script: str, arguments: list[str], largest: int | None = None) -> processes.Ended:
    """A run to its end, in a process of its own."""
    return processes.ended([processes.alone(script, arguments, Path.cwd(), largest)], Path.cwd(), SOON)[0]


def reached(script: str) -> int:
    """The epoch or the step of the checkpoint, which must be whole."""
    content = checkpoints.whole(Path("run.pt"), CPU)[2]
    return content["point"]["epoch"] if script == "train" else content["step"]


def plain(item: object) -> object:
    """Tensors as lists, so that two contents compare."""
    if isinstance(item, dict):
        return {key: plain(value) for key, value in item.items()}
    if isinstance(item, (list, tuple)):
        return [plain(value) for value in item]
    return item.tolist() if isinstance(item, torch.Tensor) else item


@pytest.mark.slow
@pytest.mark.parametrize("script", RUNS)
def test_a_run_killed_at_any_moment_goes_on_with_the_same_bits(script: str) -> None:
    """Killed again and again, at random moments; then to the end, beside a run that nobody killed."""
    arguments, _ = RUNS[script]
    moments = random.Random(SEED)
    resume: list[str] = []
    for _ in range(KILLS):
        process = processes.alone(script, [*arguments, "1000000", *resume], Path.cwd())
        before = Path("run.pt").stat().st_mtime_ns if resume else 0
        limit = time.monotonic() + SOON
        while time.monotonic() < limit and not (
            Path("run.pt").exists() and Path("run.pt").stat().st_mtime_ns > before
        ):
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.03))
        process.kill()
        process.join()
        assert reached(script) > 0
        resume = ["--resume"]
    stale = [Path(f".run-{left_behind._host()}-{2**22 + 1}-abc.pt"), Path(".run-0badcafe-1-abc.pt")]
    for path in stale:
        path.write_text("half a checkpoint")
    last = str(reached(script) + 2)
    assert finished(script, [*arguments, last, "--resume"]).status == 0
    # What the kills left is gone; of another machine's process nobody here knows whether it lives.
    assert list(Path().glob(".*")) == stale[1:]
    killed = checkpoints.whole(Path("run.pt"), CPU)[2]
    log = Path("log.jsonl").read_bytes() if script == "train" else b""
    for path in (*Path().glob("run*"), *Path().glob(".run*"), *Path().glob("log*")):
        path.unlink()
    assert finished(script, [*arguments, last]).status == 0
    assert plain(checkpoints.whole(Path("run.pt"), CPU)[2]) == plain(killed)
    assert script != "train" or Path("log.jsonl").read_bytes() == log


@pytest.mark.slow
@pytest.mark.parametrize("script", RUNS)
def test_a_disk_that_fills_is_one_line_and_the_last_checkpoint_stays(script: str) -> None:
    """Status 74, and nothing half-written under the checkpoint's name."""
    arguments, _ = RUNS[script]
    assert finished(script, [*arguments, "2"]).status == 0
    before = Path("run.pt").read_bytes()
    full = finished(script, [*arguments, "4", "--resume"], largest=1000)
    assert full.status == 74
    what = "log log.jsonl" if script == "train" else "checkpoint run.pt"
    assert full.err.splitlines()[-1] == f"{script}.py: error: --{what}: File too large"
    assert Path("run.pt").read_bytes() == before
    assert not list(Path().glob(".run*"))


@pytest.mark.slow
def test_data_that_do_not_fit_the_disk_are_not_there_at_all() -> None:
    """Status 74, one line, no file."""
    for name in ("new.npy", "new.csv", "new.parquet"):
        full = finished("generate", ["1000", name], largest=1000)
        assert (full.status, full.out) == (74, "")
        assert full.err.startswith(f"generate.py: error: {name}: ")
        assert full.err.count("\n") == 1
        assert not Path(name).exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command",
    [
        ["compare_gradients"],
        ["compare_gradients", "--json"],
        ["train", "--steps", "5"],
        ["learning_rate", "--json"],
        ["large", "mine.csv", "--json"],
        ["train", "--data", "mine.csv", "--hidden", "3", "--epochs", "1"],
        ["data_parallel", "--widths", "3,5,2", "--steps", "2"],
        ["compare_gradients", "--help"],
    ],
    ids=" ".join,
)
def test_a_full_disk_behind_standard_output_is_one_line(command: list[str]) -> None:
    """For every program: status 74, never 0, 1 or a traceback."""
    process = processes.alone(command[0], command[1:], Path.cwd(), out="/dev/full")
    process.join(SOON)
    assert process.exitcode == 74
    said = Path("0.err").read_text()
    assert said.splitlines()[-1].endswith("the output was not written: No space left on device")
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_when_the_interpreter_ends() -> None:
    """As a user starts it: what is still in a buffer then is not lost in silence."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("wb") as full:
        line = [sys.executable, str(ROOT / "scripts/compare_gradients.py"), "--help"]
        done = subprocess.run(
            line, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 74
    assert done.stderr.endswith("the output was not written: No space left on device\n")


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_refused_before_the_work() -> None:
    """A read-only place: status 2 and one line."""
    Path("file").write_text("")
    done = finished("train", [*TRAIN, "1", "--checkpoint", "file/run.pt"])
    assert (done.status, done.err.splitlines()[-1]) == (
        2,
        "train.py: error: --checkpoint file/run.pt: Not a directory",
    )
