"""A bar on standard error that shows how much is done."""

from collections.abc import Iterable, Iterator, Sized
from typing import Any

from support.optional_packages import require


def progress(items: Iterable[Any], total: int, title: str) -> Iterator[Any]:
    """Pass batches, or single items, on, and show how many are done."""
    columns, console = require("rich.progress", "scripts"), require("rich.console", "scripts")
    with columns.Progress(console=console.Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        for item in items:
            yield item
            bar.advance(task, len(item) if isinstance(item, Sized) else 1)
