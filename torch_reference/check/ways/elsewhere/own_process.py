"""Work in a process of its own, whose end is not the end of the check.

A kernel that reads what is not its own, at a size that nobody has tried, ends the process; so do some of
torch's own on a processor, as batch norm with fewer gains than columns.
"""

import faulthandler
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from signal import Signals
from time import monotonic
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.judging.calls.quiet import unwarned

SILENCE = 30.0
"""Who says nothing for so many seconds waits for what another thread held when the process was made."""
IDLE = 2.0
"""Nor is there anybody else to wait for where no processor has worked for it for so long: XLA's threads, as
others', are not there in the other process."""

_silences: list[float] = []
"""After one no process is made any more."""

Say = Callable[[Any], None]


class Ended(NamedTuple):
    """How a process ended that did not come to the end of its work."""

    how: str


def may_part(point: Mapping[str, Tensor]) -> bool:
    """Whether work can be done in a process of its own: on Linux, where no GPU is used, nor was."""
    return (
        sys.platform == "linux"
        and not _silences
        and not multiprocessing.current_process().daemon  # which may have none
        and not torch.cuda.is_initialized()  # type: ignore[no-untyped-call] # torch leaves it untyped
        and all(value.is_cpu for value in point.values())
    )


def said_apart(work: Callable[[Say], None]) -> Iterator[Any]:
    """What the work says, in its order, and at last how the process ended, if it did before all was said.

    Work that raises an error says no more, as does one that waits for ever; where no process can be made, it
    says nothing.

    >>> import os
    >>> def work(say):
    ...     say("begun")
    ...     os.abort()
    >>> list(said_apart(work))
    ['begun', Ended(how='SIGABRT')]
    """
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_work, args=(work, sender), daemon=True)
    try:
        with unwarned():  # Python warns of threads, which are not there in the other
            process.start()
    except OSError:  # no more processes, or no memory for one
        return
    finally:
        sender.close()
    try:
        while _says_something(receiver, process.pid):
            said = pickle.loads(receiver.recv_bytes())
            if isinstance(said, _Done):
                return
            yield said
        _silences.append(SILENCE)
    except (EOFError, ConnectionError):
        process.join()
        yield Ended(_how(process.exitcode or 0))
    finally:
        process.kill()
        process.join()
        process.close()
        receiver.close()


class _Done:
    """All is said."""


def _work(work: Callable[[Say], None], sender: Connection) -> None:
    faulthandler.disable()  # how the process ends is told in the report, and not by it
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    torch.set_num_threads(1)  # the other threads are not there

    def say(said: Any) -> None:
        sender.send_bytes(pickle.dumps(said))

    with suppress(BaseException):  # whoever wants to know does the rest himself, and meets it again
        work(say)
    say(_Done())


def _says_something(receiver: Connection, process: int | None) -> bool:
    """Whether it does, before it has waited for too long."""
    until, before = monotonic() + SILENCE, _worked(process)
    while not receiver.poll(min(IDLE, SILENCE)):
        now = _worked(process)
        if now == before or monotonic() > until:
            return False
        before = now
    return True


def _worked(process: int | None) -> list[bytes]:
    """How long processors have worked for it, in the clock's ticks."""
    return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[11:13]


def _how(status: int) -> str:
    return Signals(-status).name if status < 0 else f"exit status {status}"
