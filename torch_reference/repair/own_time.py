"""A limit of time by the thread's own clock: what else the machine does decides nothing."""

import time

PATIENCE = 4
"""Nobody waits so many times as long, by the clock on the wall."""


class OwnTime:
    """So many seconds of the thread's own time, from now on."""

    def __init__(self, seconds: float) -> None:
        """Begin now."""
        self.seconds = seconds
        self.own, self.wall = time.thread_time(), time.monotonic()

    @property
    def waited(self) -> float:
        """Seconds since then, by the clock on the wall."""
        return time.monotonic() - self.wall

    def is_over(self, part: float = 1.0) -> bool:
        """Whether this part of it is over."""
        limit = part * self.seconds
        return time.thread_time() - self.own > limit or self.waited > PATIENCE * limit
