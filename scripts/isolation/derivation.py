"""The judge's side: a derivation that runs in a pupil, called as if it ran here."""

from support.ending import UsersCodeError

import contextlib
import os
import signal
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from isolation import blame, tensors, wire
from isolation.autograd_watch import ANSWERS, DIFFERENTIATING
from isolation.failures import NO_RESULT, WrongFormError, ending, refusal, taken
from isolation.named import Named
from isolation.nursery import Nursery

PATIENCE = 2.0
"""Seconds for what is not the derivation's: a process to start, a trace to be written."""
LONGEST_TRACE = 100_000
RESTARTS = 8
"""How often a derivation that ends its process is begun anew, for the other points of a check."""


class IsolatedDerivation:
    """A derivation (parameters, inputs, targets) -> mapping, in a process of its own.

    seconds is what all of its calls together may take, and memory the bytes that it may take beside torch, 0
    for any number. Whatever it does, a call returns plain numbers or raises UsersCodeError; where it only
    returned something else than numbers, TypeError, as a check of a derivation in this process would. That it
    asks autograd, or imports one of the packages, is in .autograd, not refused.
    """

    def __init__(
        self,
        nursery: Nursery,
        named: Named,
        *,
        seconds: float = 60.0,
        memory: int = 0,
        packages: Sequence[str] = (*DIFFERENTIATING, *ANSWERS),
    ) -> None:
        """Import it; UsersCodeError where that fails, ValueError where there is nothing of that name."""
        self.named, self.autograd = named, dict[str, None]()
        self._nursery, self._seconds, self._left, self._memory = nursery, seconds, seconds, memory
        self._restarts, self._first_printed = RESTARTS, 0
        self._packages = list(packages)
        self._link: socket.socket | None = None
        self._process = 0
        # Read by their places only: the process that writes them has the same position in them.
        self._prints, self._trace = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115 - closed at the end
        try:
            self._begin()
        except BaseException as error:
            if isinstance(error, UsersCodeError):
                error.printed = self.printed()
            self._close()
            raise

    def __enter__(self) -> Self:
        """Nothing more to start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, and whatever it has started."""
        self._close()

    def __call__(
        self, parameters: Mapping[str, Tensor], inputs: Any, targets: Tensor | None
    ) -> dict[str, Any]:
        """What the derivation returns at this point."""
        several = not isinstance(inputs, Tensor)
        given = {f"parameters.{name}": value for name, value in parameters.items()}
        given |= {f"inputs{i}": value for i, value in enumerate(inputs if several else [inputs])}
        if targets is not None:
            given["targets"] = targets
        if self._link is None:
            self._begin()  # the call before has ended it
        entries = {name: tensors.written(value) for name, value in given.items()}
        document = {"names": list(given), "arguments": [entry for entry, _ in entries.values()]}
        answer = self._ask(document | {"several": several}, [memory for _, memory in entries.values()])
        self._first_printed = self._first_printed or os.fstat(self._prints.fileno()).st_size
        return self._results(answer, given)

    @property
    def seconds(self) -> float:
        """What its import and its calls have taken so far."""
        return self._seconds - self._left

    def printed(self, most: int = 10_000) -> str:
        """What it printed while it was imported and called once: a check calls it several times."""
        most = min(self._first_printed or most, most)
        return os.pread(self._prints.fileno(), most, 0).decode("utf-8", "replace")

    def _begin(self) -> None:
        if self._left <= 0:
            raise UsersCodeError(f"it has had its {self._seconds:g} s (--timeout)")
        if not self._restarts:
            raise UsersCodeError(f"it ended its process {RESTARTS} times")
        self._restarts -= 1
        self._link, self._process = self._born()
        order = {"module": self.named.module, "attribute": self.named.attribute}
        self._ask(order | {"memory": self._memory, "seconds": self._seconds, "packages": self._packages}, [])

    def _born(self) -> tuple[socket.socket, int]:
        """The link to a new pupil, and its process; of a new nursery where another pupil has harmed it."""
        for nursery in ("this one", "a new one"):
            link = None
            try:
                link = self._nursery.pupil(self._prints, self._trace)
                # A clean nursery may still be importing torch: that time is not the derivation's.
                return link, int(wire.receive(link, seconds=60).document["process"])
            except (OSError, EOFError):
                if link:
                    link.close()
                if nursery == "a new one":
                    raise
                self._nursery.renew()
        raise AssertionError

    def _ask(self, document: dict[str, Any], buffers: list[bytes]) -> wire.Frame:
        """One question and its answer; UsersCodeError for any other end of it."""
        assert self._link is not None
        began = time.monotonic()
        try:
            wire.send(self._link, document, buffers)
            answer = wire.receive(self._link, max(self._left, 0.0))
        except TimeoutError:
            raise self._stopped() from None
        except (EOFError, OSError, wire.BrokenFrameError):
            raise self._gone("it ended its process") from None
        finally:
            self._left -= time.monotonic() - began
        if "ended" in answer.document:
            raise self._gone(ending(answer.document["ended"]))
        notes = answer.document.get("autograd")
        for note in notes if isinstance(notes, list) else []:
            self.autograd.setdefault(str(note)[: blame.LONGEST])
        if answer.document.get("refusal"):
            raise refusal(str(answer.document["refusal"]), answer.document.get("kind"))
        return answer

    def _results(self, answer: wire.Frame, given: Mapping[str, Tensor]) -> dict[str, Any]:
        try:
            entries, changed = answer.document["results"], answer.document["changed"]
            names, memories = answer.document["names"], iter(answer.buffers)
            own = [next(memories) for _ in entries]
            for entry in changed:
                given[entry["name"]].set_(tensors.read(entry, next(memories)))  # type: ignore[call-overload] # untyped
            return {
                str(name): taken(str(name), entry, memory, given)
                for name, entry, memory in zip(names, entries, own, strict=True)
            }
        except WrongFormError:
            raise
        except NO_RESULT:
            raise UsersCodeError(
                "what came back from its process is no mapping of names to numbers"
            ) from None

    def _stopped(self) -> UsersCodeError:
        """It has had its time: ask where it is, and end it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._process, signal.SIGUSR1)
        deadline, size = time.monotonic() + PATIENCE, os.fstat(self._trace.fileno()).st_size
        while os.fstat(self._trace.fileno()).st_size == size and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.01)  # the trace's first line has been written: so will the others have been
        return self._gone(f"it was still running after {self._seconds:g} s (--timeout)")

    def _gone(self, what: str) -> UsersCodeError:
        size = os.fstat(self._trace.fileno()).st_size
        trace = os.pread(self._trace.fileno(), LONGEST_TRACE, max(size - LONGEST_TRACE, 0)).decode(
            "utf-8", "replace"
        )
        self._end()
        return UsersCodeError(f"{blame.of_trace(trace)}{what}")

    def _close(self) -> None:
        self._end()
        self._prints.close()
        self._trace.close()

    def _end(self) -> None:
        if self._link is None:
            return
        for which in (os.killpg, os.kill):  # the group first; there is none until the pupil has made it
            with contextlib.suppress(ProcessLookupError, PermissionError):
                which(self._process, signal.SIGKILL)
        self._link.close()
        self._link = None
