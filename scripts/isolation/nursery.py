"""The nursery: a process with torch in it that forks one pupil for each derivation, and says how it ended."""

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn, Self

from isolation import orphans, wire


class Nursery:
    """A process that forks pupils; it is ended with the `with` statement that it is made for.

    A clean one is an interpreter of its own: nothing of this process's memory can be read in its pupils. It
    takes as long to start as torch takes to import. The other kind is a fork of this process, made at once.
    """

    def __init__(self, *, clean: bool = False) -> None:
        """Start it; ValueError in one line on a system that cannot fork."""
        if not hasattr(os, "fork"):
            raise ValueError("a process of its own needs a system that forks: Linux, macOS or WSL")
        self._clean = clean
        self._start()

    def __enter__(self) -> Self:
        """Nothing more to start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the nursery; each pupil ends when its link is closed."""
        self._end()

    def renew(self) -> None:
        """Start it anew: a pupil has the rights of its user, and may have ended it."""
        self._signal(signal.SIGKILL)
        with contextlib.suppress(OSError):  # another process of ours may be its parent
            self._end()
        self._start()

    def _start(self) -> None:
        self._link, far = socket.socketpair()
        with far:
            self._process = self._executed(far) if self._clean else self._forked(far)

    def _signal(self, number: int) -> None:
        process = self._process.pid if isinstance(self._process, subprocess.Popen) else self._process
        with contextlib.suppress(OSError):
            os.kill(process, number)

    def _end(self) -> None:
        self._link.close()
        if isinstance(self._process, subprocess.Popen):
            self._process.wait()
        else:
            os.waitpid(self._process, 0)

    def pupil(self, prints: IO[bytes], trace: IO[bytes]) -> socket.socket:
        """The link to a new pupil, which writes what it prints, and its traces, into these files."""
        near, far = socket.socketpair()
        self._signal(signal.SIGCONT)  # a pupil may have stopped it
        with far:
            socket.send_fds(self._link, [b"p"], [far.fileno(), prints.fileno(), trace.fileno()])
        return near

    def _executed(self, far: socket.socket) -> "subprocess.Popen[bytes]":
        scripts = Path(__file__).resolve().parents[1]
        code = (
            f"import sys; sys.path.insert(0, {str(scripts)!r}); from isolation import nursery; nursery.main()"
        )
        # -P: a file of the class may be called json.py, and the teacher may stand in its folder.
        command = [sys.executable, "-P", "-c", code, str(far.fileno())]
        return subprocess.Popen(command, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL)

    def _forked(self, far: socket.socket) -> int:
        process = fork()
        if process == 0:
            self._link.close()
            keep(far)
        return process


def main() -> None:
    """Run a clean nursery on the socket that the command line names."""
    keep(socket.socket(fileno=int(sys.argv[1])))


def keep(link: socket.socket) -> NoReturn:
    """Fork a pupil whenever the judge asks for one, until it has gone."""
    with contextlib.suppress(BaseException):
        from isolation import pupil  # torch is imported here, while the judge goes on

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the judge ends us when it is interrupted
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a guard that has ended leaves nothing behind
        gc.freeze()  # what is there already is not copied only because it is looked at
        while True:
            message, handles, _, _ = socket.recv_fds(link, 1, 3)
            if not message:
                break
            if fork() == 0:
                link.close()
                _guard(handles, pupil.live)
            for handle in handles:
                os.close(handle)
    os._exit(0)


def _guard(handles: list[int], live: Any) -> NoReturn:
    """Fork the pupil, and tell the judge on the same link who it is, and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    link = socket.socket(fileno=handles[0])
    orphans.adopt()
    process = fork()
    if process == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        live(link, *handles[1:])
    with contextlib.suppress(BaseException):
        wire.send(link, {"process": process})
        _, status = os.waitpid(process, 0)
        with contextlib.suppress(OSError):  # the judge may have gone: it has asked all that it wanted
            wire.send(link, {"ended": os.waitstatus_to_exitcode(status)})
        orphans.end()
    os._exit(0)


def fork() -> int:
    """os.fork, without the warning that other threads are not forked: none of theirs is used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
