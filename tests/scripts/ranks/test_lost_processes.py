"""Where one process is lost the others say so and end, and the last checkpoint is whole."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import data_parallel
import processes
from keeping import checkpoints
from ranks import joining as ranks

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
LOST = "rank {} of 2 stops, for another process was lost: "


@pytest.mark.slow
def test_bad_data_in_one_process_stops_the_other(tmp_path: Path) -> None:
    """A number that is missing in the second process's share: one clear line in each, status 2."""
    lines = "0.5,0.5\n" * 2_200_000  # 16.8 MB: two parts of CSV
    (tmp_path / "data.csv").write_text(f"a,b\n{lines}0.5,\n")
    first, second = processes.both("large", [str(tmp_path / "data.csv"), "--timeout", "30"], tmp_path)
    assert (first.status, second.status) == (2, 2)
    assert second.err.endswith("data.csv, line 2200002, column 'b': expected a number, found ''\n")
    assert first.err.endswith(f"large.py: error: {LOST.format(0)}its connection closed\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("victim", "how", "reason"),
    [
        (1, signal.SIGKILL, "its connection closed"),
        (0, signal.SIGKILL, "its connection closed"),
        pytest.param(1, signal.SIGSTOP, "no message for 3 seconds", marks=pytest.mark.slow),
    ],
)
def test_a_process_that_dies_stops_the_other_within_the_time_limit(
    victim: int, how: signal.Signals, reason: str, tmp_path: Path
) -> None:
    """Killed, or alive and silent: one line, status 2, and the last checkpoint is whole and goes on."""
    checkpoint = tmp_path / "checkpoint.pt"
    arguments = ["--checkpoint", str(checkpoint), "--every", "1", "--widths", "3,5,2"]
    endless = processes.start(
        "data_parallel", [*arguments, "--steps", "1000000", "--timeout", "3"], 2, tmp_path
    )
    limit = time.monotonic() + processes.PATIENCE
    while not checkpoint.exists() and time.monotonic() < limit:
        time.sleep(0.02)
    pid = endless[victim].pid
    assert pid is not None
    os.kill(pid, how)
    began = time.monotonic()
    endless[1 - victim].join(processes.PATIENCE)
    waited = time.monotonic() - began
    endless[victim].kill()
    other = processes.ended(endless, tmp_path, processes.PATIENCE)[1 - victim]
    assert (other.status, other.err) == (2, f"data_parallel.py: error: {LOST.format(1 - victim)}{reason}\n")
    assert waited < 3 + 10  # the timeout, and what a busy machine takes to end a process
    reached = checkpoints.whole(checkpoint, CPU)[2]["step"]
    assert reached >= 1
    assert data_parallel.main([*arguments, "--resume", "--steps", str(reached + 2)]) == 0
    assert checkpoints.whole(checkpoint, CPU)[2]["step"] == reached + 2
    # Who is killed while it writes leaves its unfinished file beside the checkpoint; who stops does not.
    assert victim == 0 or not list(tmp_path.glob(".checkpoint*"))


def test_each_process_of_a_machine_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """By torchrun's number of the process, unless one is named."""
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert ranks.own(torch.device("cuda")) == torch.device("cuda", 1)
    assert ranks.own(torch.device("cuda", 3)) == torch.device("cuda", 3)
    assert ranks.own(CPU) == CPU


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_no_process_writes_after_torchrun_was_killed(tmp_path: Path) -> None:
    """SIGKILL leaves torchrun no time to end its processes: they notice, end, and write nothing more."""
    checkpoint = tmp_path / "run.pt"
    arguments = ["--steps", "1000000", "--every", "1", "--widths", "3,5,2", "--checkpoint", str(checkpoint)]
    command = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "scripts/data_parallel.py",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (tmp_path / "err").open("w") as errors:
        torchrun = subprocess.Popen(
            [sys.executable, *command, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        limit = time.monotonic() + processes.PATIENCE
        while not checkpoint.exists() and time.monotonic() < limit:
            time.sleep(0.05)
        children = {
            int(pid) for pid in Path(f"/proc/{torchrun.pid}/task/{torchrun.pid}/children").read_text().split()
        }
        torchrun.kill()
        torchrun.wait()
    assert len(children) >= 2
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert "stops: torchrun, which started it, is gone" in (tmp_path / "err").read_text()
    assert checkpoints.whole(checkpoint, CPU)[2]["step"] >= 1
