"""A bar on standard error that shows how much is done."""

import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

from support.installed_packages import require

MUCH = 10_000
"""Observations, from which on a training takes long enough to ask whether it is still there."""


@contextmanager
def waiting(title: str, observations: int) -> Iterator[None]:
    """A bar that moves, and the time so far, on a terminal and for much data: how far it is nobody knows."""
    if observations < MUCH or not sys.stderr.isatty():
        yield
        return
    columns, console = require("rich.progress", "scripts"), require("rich.console", "scripts")
    shown = (columns.TextColumn("{task.description}"), columns.BarColumn(), columns.TimeElapsedColumn())
    with columns.Progress(*shown, console=console.Console(stderr=True), transient=True) as bar:
        bar.add_task(title, total=None)
        yield


def progress(items: Iterable[Any], total: int, title: str) -> Iterator[Any]:
    """Pass batches, or single items, on, and show how many are done."""
    columns, console = require("rich.progress", "scripts"), require("rich.console", "scripts")
    with columns.Progress(console=console.Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        for item in items:
            yield item
            bar.advance(task, len(item) if isinstance(item, Sized) else 1)
