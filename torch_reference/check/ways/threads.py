"""Two threads that call one function at once."""

import threading
from collections.abc import Iterator
from functools import partial

import torch

from torch_reference.check.ways.session import Attempt, Made, Session


def in_threads(session: Session) -> Iterator[Attempt]:
    """While another thread does the same with other numbers."""
    # What works with .backward() alone writes into the user's own leaves, in both threads at once.
    if session.works_with_grad:
        yield Attempt("in two threads at once", session.point, partial(_in_threads, session))


def _in_threads(session: Session) -> Made:
    other = {
        name: value * 0.75 if value.is_floating_point() else value for name, value in session.point.items()
    }
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            try:
                session.differentiated(other)
            except Exception:  # at other numbers it may fail
                return

    thread = threading.Thread(target=busy, daemon=True)
    thread.start()
    try:
        for _ in range(4):
            made = session.differentiated(session.point)
            if any(
                not torch.equal(value, session.plain.gradients[name])
                for name, value in made.gradients.items()
            ):
                break
        return made
    finally:
        stop.set()
        thread.join()
