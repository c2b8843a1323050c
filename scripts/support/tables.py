"""A console of at most 80 columns and a table without rules; rich draws them."""

from typing import Any, NoReturn

from support.optional_packages import require

WIDTH = 80


def open_console() -> Any:
    """Standard output as rich draws on it: at most 80 columns, so that a pipe reads as a terminal does."""
    console = require("rich.console", "scripts").Console(highlight=False, soft_wrap=False)
    console.width = min(console.width, WIDTH)
    console.on_broken_pipe = _unread  # rich's own ends the program with sys.exit(1)
    return console


def _unread() -> NoReturn:
    """The reader of a pipe, such as head, has seen enough: support.ending says how the program ends."""
    raise BrokenPipeError


def plain_table(*columns: str) -> Any:
    """A table without rules: the first column is text, the others are numbers unless their title is empty."""
    table = require("rich.table", "scripts").Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for number, title in enumerate(columns):
        table.add_column(title, justify="right" if number and title else "left", overflow="fold")
    return table
