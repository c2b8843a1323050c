"""Processes with unlike options or data stop before the first step, and say what differs."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import processes

ROOT = Path(__file__).parents[3]
TINY = ["--widths", "3,5,2", "--batch-size", "8", "--steps", "3", "--timeout", "20"]
SOON = 30


def unlike(script: str, first: list[str], second: list[str], folder: Path) -> list[str]:
    """Start one process with each, and give the last line of each, which must have ended with 2."""
    started = processes.start(script, first, 2, folder, others=second)
    ended = processes.ended(started, folder, SOON)
    assert [one.status for one in ended] == [2, 2], ended
    assert [one.out for one in ended] == ["", ""]
    return [one.err.splitlines()[-1] for one in ended]


PAIRS = {
    "--activation tanh": "activation is softplus in rank 0 and tanh in rank 1",
    "--widths 3,6,2": "widths is [3, 5, 2] in rank 0 and [3, 6, 2] in rank 1",
    "--seed 1": "seed is 0 in rank 0 and 1 in rank 1",
    "--learning-rate 0.01": "learning rate is 0.001 in rank 0 and 0.01 in rank 1",
    "--batch-size 16": "batch size is 8 in rank 0 and 16 in rank 1",
    "--steps 4": "steps is 3 in rank 0 and 4 in rank 1",
    "--optimiser gradient_descent": "optimiser is adam in rank 0 and gradient_descent in rank 1",
    "--check": "check is False in rank 0 and True in rank 1",
    "--rows 41": "data is 10000 random rows in rank 0 and 41 random rows in rank 1",
    "--data {data}": "data is 10000 random rows in rank 0 and ",
}


@pytest.mark.slow
@pytest.mark.parametrize(("other", "differs"), PAIRS.items(), ids=PAIRS)
def test_unlike_trainings_stop_with_the_difference(other: str, differs: str, tmp_path: Path) -> None:
    """In both processes, with status 2, and without an abort inside the sending."""
    np.save(tmp_path / "rows.npy", np.ones((40, 5)))
    second = [*TINY, *other.format(data=tmp_path / "rows.npy").split()]
    lines = unlike("data_parallel", TINY, second, tmp_path)
    for rank, line in enumerate(lines):
        start = f"data_parallel.py: error: rank {rank} of 2 stops: the ranks were started differently, "
        assert line.startswith(start + differs)


@pytest.mark.slow
def test_unlike_data_stop_with_the_difference(tmp_path: Path) -> None:
    """Two files of one size and shape that differ in one number."""
    for name, number in (("a.npy", 1.0), ("b.npy", 2.0)):
        np.save(tmp_path / name, np.array([[0.0, number]] * 100))
    lines = unlike("large", [str(tmp_path / "a.npy")], [str(tmp_path / "b.npy")], tmp_path)
    assert all("the ranks were started differently, data is" in line for line in lines)


def started_alone(**environment: str) -> subprocess.CompletedProcess[str]:
    """The script in an environment that somebody set by hand."""
    command = [sys.executable, "scripts/data_parallel.py", *TINY]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1", **environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("rank", "size", "message"),
    [
        (None, "2", "the environment's RANK: expected a whole number, as torchrun sets it, found None"),
        ("0", None, "the environment's WORLD_SIZE: expected a whole number, as torchrun sets it, found None"),
        ("one", "2", "the environment's RANK: expected a whole number, as torchrun sets it, found one"),
        ("2", "2", "the environment's RANK: expected less than WORLD_SIZE, 2, found 2"),
    ],
)
def test_an_environment_that_is_half_set_is_one_clear_line(
    rank: str | None, size: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is waited for."""
    from ranks.joining import _described

    for name, value in (("RANK", rank), ("WORLD_SIZE", size)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        _described()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MASTER_PORT", "99999", "MASTER_PORT: expected a port from 1 to 65535, found 99999"),
        ("MASTER_PORT", "x", "MASTER_PORT: expected a port from 1 to 65535, found x"),
        ("MASTER_ADDR", "nobody.invalid", "MASTER_ADDR: no machine is known by the name nobody.invalid"),
        ("MASTER_ADDR", "a" * 70, f"MASTER_ADDR: no machine is known by the name {'a' * 70}"),
    ],
)
def test_a_place_where_nobody_can_be_met_is_one_clear_line(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the time is up that torch would wait there."""
    from ranks.joining import _described

    for given, text in (("RANK", "0"), ("WORLD_SIZE", "2"), (name, value)):
        monkeypatch.setenv(given, text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        _described()
    assert str(caught.value) == f"the environment's {message}"


@pytest.mark.slow
def test_a_port_in_use_is_called_that() -> None:
    """Not a process that was lost."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = started_alone(RANK="0", WORLD_SIZE="2", MASTER_PORT=port)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"data_parallel.py: error: rank 0 of 2 stops, for port {port} is in use")
