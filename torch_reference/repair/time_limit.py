"""An end for what an edit makes run for ever: one character more or less in a user's loop may never end."""

import ctypes
import sys
import threading
import time
from collections.abc import Callable

from torch_reference.repair.interrupted import Surroundings

LONGEST = 1.0
"""Seconds that one trial may take, and as much again as MANY trials of what the user wrote."""
MANY = 20


class RunsTooLong(BaseException):
    """Raised in the thread of the search, in the user's code, at its next Python instruction."""

    ends_the_check = True  # no error of the user's, which would be reported as one


class TimeLimit:
    """Asks questions that may never be answered, and answers no for those that take too long.

    Only Python code can be stopped; a call into C is waited for, and so is code in threads of its own, and an
    import: torch imports sympy at its first error of a certain kind, and half of it would stay for ever.
    """

    def __init__(self, known: Callable[[], object]) -> None:
        """Ask a question that is known to end, to learn how long one takes; then watch."""
        begin = time.monotonic()
        known()
        self.seconds = LONGEST + MANY * (time.monotonic() - begin)
        self._asker = threading.get_ident()
        self._since: float | None = None
        self._raised = self._sent = False
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def __enter__(self) -> "TimeLimit":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Watch no longer."""
        self._over.set()

    def holds(self, question: Callable[[], bool]) -> bool:
        """The answer, or False where none comes in time: then torch is as it was before the question."""
        before = Surroundings.now()
        try:
            self._since, self._raised, self._sent = time.monotonic(), False, False
            try:
                answer = question()
            finally:
                self._since = None
            while self._raised and not self._sent:  # it must not arrive in anything else
                time.sleep(0.001)
            for _ in range(10):  # it arrives here, unless the user's code has caught it
                if self._raised:
                    time.sleep(0.001)
            if self._raised:
                before.put_back()
                return False
        except RunsTooLong:
            self._since, self._raised = None, False
            before.put_back()
            return False
        return answer

    def _watch(self) -> None:
        last = -LONGEST
        while not self._over.wait(LONGEST / 4):
            begun, now = self._since, time.monotonic()
            if begun is None or now - begun < self.seconds or _imports(self._asker):
                continue
            # What arrives in a callback of the garbage collector's is lost, and is sent again.
            if self._raised and now - last < LONGEST:
                continue
            self._raised, self._sent, last = True, False, now
            if self._since is not begun:  # it has just ended
                self._raised = False
                continue
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._asker), ctypes.py_object(RunsTooLong)
            )
            self._sent = True


def _imports(thread: int) -> bool:
    """Whether a thread is about to import something."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
