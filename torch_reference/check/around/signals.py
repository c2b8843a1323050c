"""What a process does at a signal: the user's code may set it, and only its main thread can."""

import signal
import threading
from typing import Any

Handlers = dict[int, Any]


def handlers() -> Handlers:
    """The handler of each signal that Python knows of; none in another thread, which can set none.

    >>> signal.SIGINT in handlers()
    True
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {each: signal.getsignal(each) for each in signal.valid_signals()}
    return {each: handler for each, handler in found.items() if handler is not None}


def put_handlers(was: Handlers) -> None:
    """Let them be those again."""
    for each, handler in was.items():
        if signal.getsignal(each) is not handler:
            signal.signal(each, handler)
