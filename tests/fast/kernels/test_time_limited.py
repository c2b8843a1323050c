"""A program is run within its time, and nothing of it lives on."""

import os
import sys
import time
from pathlib import Path

import pytest

from manual_backprop.fast.kernels import time_limited

pytestmark = pytest.mark.usefixtures("as_a_user_runs_it")


def run(script: str, limit: float = 20.0) -> time_limited.Ended:
    """A script of the shell."""
    return time_limited.run(["sh", "-c", script], os.environ, limit)


def is_alive(process: int) -> bool:
    """Whether there is such a process that has not ended; init collects those whose parent is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        ("exit 0", 0, "exit status 0"),
        ("exit 3", 3, "exit status 3"),
        ("echo; echo '  first ' >&2; echo then >&2; exit 1", 1, "first"),
        ("echo in file a.c >&2; echo 'a.c: error: no' >&2; exit 1", 1, "a.c: error: no"),
        ("kill -ILL $$", -4, "ended by SIGILL"),
        ("kill -50 $$", -50, "ended by signal 50"),
        ("printf 'caf\\351 non\\n' >&2; exit 1", 1, "caf\N{REPLACEMENT CHARACTER} non"),
    ],
)
def test_how_it_ended_is_one_line(script: str, status: int, reason: str) -> None:
    """What it said first of an error, or at all, or the status or signal; in whatever encoding."""
    ended = run(script)
    assert ended.status == status
    assert ended.reason() == reason


def test_it_has_no_input() -> None:
    """A program that asks for some would wait for ever."""
    assert run("cat; read line || exit 7").status == 7


def test_what_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """The compiler is a driver: its children do the work, and would go on with it."""
    began = time.monotonic()
    with pytest.raises(RuntimeError, match=r"^sh did not end within 0\.3 seconds$"):
        run(f"sleep 60 & echo $! > {tmp_path}/child; wait", 0.3)
    assert time.monotonic() - began < 10
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)


def test_a_child_that_holds_the_output_open_is_not_waited_for() -> None:
    """The program has ended, and said why."""
    began = time.monotonic()
    assert run("sleep 60 & echo why >&2; exit 2").reason() == "why"
    assert time.monotonic() - began < 10


@pytest.mark.medium
def test_a_program_that_talks_without_end_fills_no_memory() -> None:
    """What is beyond the first lines is read and dropped."""
    with pytest.raises(RuntimeError, match="did not end"):
        run("yes >&2", 0.5)
    assert len(run("head -c 1000000 /dev/zero >&2; exit 1").said) == time_limited.KEPT


@pytest.mark.slow
def test_where_ended_children_are_not_collected_it_ends_all_the_same() -> None:
    """With SIGCHLD ignored, as some servers have it, nobody knows how a child ended."""
    script = (
        "import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
        "from manual_backprop.fast.kernels import time_limited;"
        "print(time_limited.run(['sh', '-c', 'echo said >&2; exit 3'], os.environ, 20).said)"
    )
    root = str(Path(__file__).parents[3])
    assert (
        time_limited.run([sys.executable, "-c", script], {**os.environ, "PYTHONPATH": root}, 60).status == 0
    )
