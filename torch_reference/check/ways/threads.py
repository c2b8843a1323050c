"""Two threads that call one function at once."""

import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import count

from torch_reference.check.ways.comparing import is_the_same
from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.judging.calls.cuts import elements

BEGINNING = 5.0
"""So many seconds the other thread's first call is waited for."""
LONGEST = 0.01
"""So many seconds it rests at most between two calls."""
CALLS, MORE_CALLS, SMALL = 6, 24, 2**10
"""So many calls; more of what has few numbers, and is over before the other thread comes between."""
GOLDEN = 0.618034
"""Its multiples fall evenly between whole numbers."""


def in_threads(session: Session) -> Iterator[Attempt]:
    """While another thread does the same with other numbers."""
    # Random numbers are all threads': what each draws is chance. And what works with .backward() alone writes
    # into the user's own leaves, in both threads at once.
    if not session.draws_numbers and session.works_with_grad:
        call = partial(_in_threads, session)
        yield Attempt("in two threads at once", session.point, call, by_chance=True)


def _in_threads(session: Session) -> Made:
    other = {
        name: value * 0.75 if value.is_floating_point() else value for name, value in session.point.items()
    }
    begun, stop = threading.Event(), threading.Event()

    def busy() -> None:
        for turn in count():
            start = time.perf_counter()
            try:
                session.differentiated(other)
            except Exception:  # at other numbers it may fail
                return
            finally:
                begun.set()
            # Two threads in step would each write and read in turns, and nothing would be seen.
            pause = (time.perf_counter() - start) * (turn * GOLDEN % 1)
            if stop.wait(min(pause, LONGEST)):
                return

    thread = threading.Thread(target=busy, daemon=True)
    thread.start()
    begun.wait(BEGINNING)  # on a busy machine all calls would be over before the thread's first
    try:
        for _ in range(MORE_CALLS if elements(session.point) <= SMALL else CALLS):
            made = session.differentiated(session.point)
            if not is_the_same(made, session.plain):
                break
        return made
    finally:
        stop.set()
        thread.join()
