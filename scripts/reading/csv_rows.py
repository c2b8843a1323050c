"""The rows of a CSV text, each with its line, without the comments."""

import csv
from collections.abc import Iterable, Iterator

SHEETS_ERRORS = ("#n/a", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!")
"""What a spreadsheet writes into a cell: not the beginning of a comment."""


class Rows:
    """An iterator over (line, cells); blank lines and comments are left out, and comments counted.

    A comment is a line that begins with # where a row would begin: inside a quoted cell it is text. It never
    reaches the csv module, for a quotation mark in it would join the rows behind it to one.
    """

    def __init__(
        self,
        source: str,
        lines: Iterable[str],
        separator: str,
        first_line: int = 1,
        one_line: bool = False,
    ) -> None:
        """Read lines, which end with a newline; their places are counted from first_line.

        With one_line no quoted cell may go on in the next line: who reads a file in pieces could not know.
        """
        self.one_line = one_line
        self.source, self.line, self.comments = source, first_line - 1, 0
        self._lines, self._between_rows = iter(lines), True
        self._reader = csv.reader(
            self._fed(), delimiter=separator, skipinitialspace=separator == " ", strict=True
        )

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not blank, and the line on which it ends."""
        try:
            while True:
                self._between_rows = True
                cells = [cell.strip() for cell in next(self._reader)]
                if any(cells):
                    yield self.line, cells
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(f"{self.source}, line {self.line}: {error}") from None

    def _fed(self) -> Iterator[str]:
        """The lines, but for the comments."""
        for line in self._lines:
            self.line += 1
            if self.line == 1 and separator_named(line):
                continue
            if self._between_rows and _is_comment(line):
                self.comments += 1
                continue
            if self.one_line and not self._between_rows:
                where = f"{self.source}, line {self.line - 1}"
                raise ValueError(f"{where}: expected a row on one line, found a quoted cell over several")
            self._between_rows = False
            yield line


def separator_named(line: str) -> str | None:
    """The separator that a first line such as sep=; names, as Excel writes it."""
    named = line.strip(' \n"')
    return named[4:5] or "\t" if named.lower().startswith("sep=") and len(named) <= 5 else None


def _is_comment(line: str) -> bool:
    stripped = line.lstrip().lower()
    return stripped.startswith("#") and not stripped.startswith(SHEETS_ERRORS)
