"""A program with a time limit, of which nothing is left behind: no children, and no more than a few lines."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

KEPT = 1 << 14
"""Bytes of what a program says; the rest is read and dropped, however much it is."""

PAUSE = 0.02
"""Seconds between two looks at whether it has ended: a child of its own may hold its output open."""


class Ended(NamedTuple):
    """How a program ended, and what it said on standard error."""

    status: int  # negative: the signal, as subprocess has it
    said: str

    def reason(self) -> str:
        """One line: the first of its errors, or its first words, or how it ended without any."""
        lines = [line for line in map(str.strip, self.said.split("\n")) if line]
        for line in (*(line for line in lines if "error" in line.lower()), *lines):
            return line
        return f"exit status {self.status}" if self.status >= 0 else _name_of(-self.status)


def run(line: Sequence[str], environment: Mapping[str, str], limit: float) -> Ended:
    """Run a program without input; after limit seconds it is killed, and so are its children in any case.

    Errors: OSError where it cannot be started; RuntimeError where it does not end in time
    """
    process = subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # a group of its own, which can be killed as a whole
    )
    assert process.stderr is not None
    try:
        said = _until_the_end(process, process.stderr, time.monotonic() + limit)
    finally:
        # Before its end is collected: until then no other group can have its number.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        process.stderr.close()
    if said is None:
        raise RuntimeError(f"{line[0]} did not end within {limit:g} seconds")
    return Ended(status, said.decode("utf-8", "replace"))


def _until_the_end(process: subprocess.Popen[bytes], stream: IO[bytes], deadline: float) -> bytes | None:
    """What a program says until it ends, or None where it does not."""
    said = b""
    os.set_blocking(stream.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            ended = _has_ended(process)
            if selector.get_map():
                selector.select(0 if ended else PAUSE)
                part = _read(stream)
                if part == b"":
                    selector.unregister(stream)
                said += (part or b"")[: KEPT - len(said)]
                if ended and not part:
                    return said
            elif ended:
                return said
            else:
                time.sleep(PAUSE)
            if time.monotonic() > deadline:
                return None


def _read(stream: IO[bytes]) -> bytes | None:
    """What is there now; b"" at the end, None where nothing is there yet."""
    try:
        return os.read(stream.fileno(), 1 << 16)
    except BlockingIOError:
        return None


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has, its end not being collected."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # where SIGCHLD is ignored, nobody is told how a child ended
        return True


def _name_of(number: int) -> str:
    try:
        return f"ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended by signal {number}"
