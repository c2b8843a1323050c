"""Run a script in several processes on this machine, as torchrun would, without importing torch in each.

A process that has used autograd must not be forked: one clean server imports torch once, and forks.
"""

import contextlib
import importlib
import multiprocessing
import os
import resource
import socket
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["torch", "torch.distributed", "large", "scaling.data_parallel_check"])


PATIENCE = 60
"""Seconds; a machine that is busy starts processes slowly."""


class Ended(NamedTuple):
    """One process that ended."""

    status: int | None
    out: str
    err: str


def start(
    script: str, arguments: Sequence[str], size: int, folder: Path, others: Sequence[str] | None = None
) -> list[BaseProcess]:
    """The processes, started, all but the first with others where these are given; they die with this one."""
    given = [list(arguments), *[list(arguments if others is None else others)] * (size - 1)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        SERVER.Process(target=_run, args=(script, given[rank], rank, size, port, folder), daemon=True)
        for rank in range(size)
    ]
    for process in processes:
        process.start()
    return processes


def alone(
    script: str, arguments: Sequence[str], folder: Path, largest: int | None = None, out: str = "0.out"
) -> BaseProcess:
    """One process by itself, started in a folder; a file of more than so many bytes cannot be written."""
    given = (script, list(arguments), folder, largest, out)
    process = SERVER.Process(target=_run_alone, args=given, daemon=True)
    process.start()
    return process


def both(script: str, arguments: Sequence[str], folder: Path) -> list[Ended]:
    """Run a script in two processes to their end."""
    return ended(start(script, arguments, 2, folder), folder, PATIENCE)


def ended(processes: Sequence[BaseProcess], folder: Path, timeout: float) -> list[Ended]:
    """Wait for all of them; one that has not ended in time is killed, and its status is None."""
    found = []
    for rank, process in enumerate(processes):
        process.join(timeout)
        late = process.is_alive()
        if late:
            process.kill()
            process.join()
        out, err = ((folder / f"{rank}.{stream}").read_text() for stream in ("out", "err"))
        found.append(Ended(None if late else process.exitcode, out, err))
    return found


def _run(script: str, arguments: list[str], rank: int, size: int, port: int, folder: Path) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    _end_as_a_script_does(script, arguments, rank, folder)


def _run_alone(script: str, arguments: list[str], folder: Path, largest: int | None, out: str) -> None:
    os.chdir(folder)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    _end_as_a_script_does(script, arguments, 0, folder, out)


def _end_as_a_script_does(
    script: str, arguments: list[str], rank: int, folder: Path, output: str | None = None
) -> None:
    with (
        (folder / (output or f"{rank}.out")).open("w", buffering=1) as out,
        (folder / f"{rank}.err").open("w", buffering=1) as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        sys.argv = [f"{script}.py"]
        main = importlib.import_module(script).main
        importlib.import_module("support.ending").run(lambda _: main(arguments))
