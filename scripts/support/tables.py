"""A console of at most 80 columns, and a table in which no number is ever folded; rich draws them."""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from support.installed_packages import require

WIDTH = 80


def open_console() -> Any:
    """Standard output as rich draws on it: at most 80 columns, so that a pipe reads as a terminal does."""
    file = sys.stdout if sys.stdout.isatty() else _Trimmed(sys.stdout)
    console = require("rich.console", "scripts").Console(file=file, highlight=False, soft_wrap=False)
    console.width = min(console.width, WIDTH)
    console.on_broken_pipe = _unread  # rich's own ends the program with sys.exit(1)
    return console


class _Trimmed:
    """A file or a pipe in which no line ends in blanks, as it does where rich has wrapped one."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Each text holds whole lines."""
        return int(self._file.write(re.sub(" +$", "", text, flags=re.MULTILINE)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _unread() -> NoReturn:
    """The reader of a pipe, such as head, has seen enough: support.ending says how the program ends."""
    raise BrokenPipeError


def plain_table(*columns: str) -> "PlainTable":
    """A table without rules: the first column is text, the others are numbers unless their title is empty."""
    return PlainTable(columns)


class PlainTable:
    """Columns that give way at their blanks; where that is not enough, a block of lines for each row."""

    def __init__(self, titles: Sequence[str]) -> None:
        """Start without rows."""
        self.titles, self.rows = titles, list[Sequence[str]]()
        self._table = require("rich.table", "scripts").Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        for number, title in enumerate(titles):
            self._table.add_column(title, justify="right" if number and title else "left", overflow="fold")

    @property
    def columns(self) -> Any:
        """Rich's own, to justify them."""
        return self._table.columns

    def add_row(self, *cells: str) -> None:
        """One cell for each column; rich's markup gives it colours."""
        self.rows.append(cells)
        self._table.add_row(*cells)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """What rich asks to draw: no line ends in blanks."""
        segment = require("rich.segment", "scripts").Segment
        widths = self._widths(options.max_width)
        if widths is None:
            yield "\n".join(self._blocks())
            return
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
        for line in console.render_lines(self._table, options, pad=False):
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                line[-1] = segment(line[-1].text.rstrip(), line[-1].style)
            yield from line
            yield segment.line()

    def _widths(self, room: int) -> list[int] | None:
        """Each column as wide as it is, or at least as its longest word; None where that is too wide."""
        columns = list(zip(self.titles, *([_plain(cell) for cell in row] for row in self.rows), strict=True))
        widest = [max(map(len, column)) for column in columns]
        least = [
            max(column.min_width or 0, *(len(word) for cell in cells for word in cell.split(" ")))
            for column, cells in zip(self.columns, columns, strict=True)
        ]
        widest = [max(pair) for pair in zip(widest, least, strict=True)]
        left = room - sum(least) - (len(least) - 1)
        if left < 0:
            return None
        for place, width in enumerate(widest):
            more = min(width - least[place], left)
            least[place], left = least[place] + more, left - more
        return least

    def _blocks(self) -> Iterator[str]:
        """For each row its first cell, and below it a line for each of the others."""
        indent = max(len(title) for title in self.titles[1:])
        for cells in self.rows:
            if cells[0].strip():
                yield f"{self.titles[0]} {cells[0].strip()}".lstrip()
            for title, cell in zip(self.titles[1:], cells[1:], strict=True):
                if cell.strip():
                    yield f"  {title:<{indent}}  {cell.strip()}"


def _plain(cell: str) -> str:
    """The cell without its markup."""
    return str(require("rich.text", "scripts").Text.from_markup(cell).plain)
