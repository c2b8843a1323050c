"""What a call prints, warns of and logs, kept back in one thread, while others go on as they were.

contextlib.redirect_stdout and warnings.catch_warnings change what all threads share, and put back what they
found: of two that overlap, the second one leaves behind what the first had set, for ever.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

_lock = threading.RLock()
_silent: dict[int, int] = {}
_asides: list["_Aside"] = []
_unwarned = 0
_filters = ExitStack()


@contextmanager
def silent() -> Iterator[None]:
    """Drop what this thread prints; after the last of all threads standard output is what it was."""
    thread = threading.get_ident()
    with _lock:
        if not _silent:
            _asides.append(_Aside(sys.stdout))
            sys.stdout = _asides[-1]
        _silent[thread] = _silent.get(thread, 0) + 1
    try:
        yield
    finally:
        with _lock:
            _silent[thread] -= 1
            if not _silent[thread]:
                del _silent[thread]
            if not _silent:
                aside = _asides.pop()
                if sys.stdout is aside:  # else somebody has put another one there meanwhile
                    sys.stdout = aside.real


@contextmanager
def unwarned(category: type[Warning] = Warning) -> Iterator[None]:
    """Ignore warnings of that kind, and what is logged; after the last of all threads all is as it was."""
    global _unwarned
    with _lock:
        if not _unwarned:
            _filters.enter_context(warnings.catch_warnings())
            _filters.callback(logging.disable, logging.root.manager.disable)
            logging.disable()
        _unwarned += 1
        warnings.simplefilter("ignore", category)
    try:
        yield
    finally:
        with _lock:
            _unwarned -= 1
            if not _unwarned:
                _filters.close()


def is_unwarned() -> bool:
    """Whether warnings are kept back in here, by any thread."""
    return _unwarned > 0


class _Aside:
    """Standard output but for the threads that are silent."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def write(self, text: str) -> int:
        """Write it, or drop it."""
        if self.real is None or threading.get_ident() in _silent:
            return len(text)
        return self.real.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write them one after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
