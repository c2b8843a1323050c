"""A source file as text that can be edited piece by piece, at the places that a syntax tree names."""

import ast
import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class TextEdit(NamedTuple):
    """A piece of a source, from one byte to another, and what would stand there; how unlikely it is meant.

    what is the kind of the mistake that it mends.
    """

    start: int
    end: int
    text: str
    cost: int
    what: str = ""


class Source:
    """A source file by bytes, as syntax trees count them."""

    def __init__(self, text: str) -> None:
        """Its lines, and where each begins."""
        self.bytes = text.encode()
        self.starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """From where to where a node stands."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = self.starts[node.lineno - 1] + node.col_offset
        return begin, self.starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt) -> str:
        """A node as it is written."""
        begin, end = self.span(node)
        return self.bytes[begin:end].decode()

    def edited(self, edit: TextEdit) -> str:
        """The whole text with an edit made."""
        return (self.bytes[: edit.start] + edit.text.encode() + self.bytes[edit.end :]).decode()

    def doubles_a_sign(self, edit: TextEdit) -> bool:
        """Whether it writes --2 or a - -b: the sign that is there is better left out, or turned."""
        before = self.bytes[: edit.start].rstrip(b" ")[-1:]
        if edit.text.startswith("--") or "- -" in edit.text:
            return True
        return edit.text.startswith("-") and before in (b"-", b"+")


def unified_diff(file: str, shown: str, before: str, after: str) -> str:
    """The diff of a file's text, as `git apply` takes it: with the file's own ends of lines.

    Shapes: before is the text as Python reads it, every line with one newline at its end
    """
    ends = _ends_of_lines(file, before)
    old, new = before.split("\n")[:-1], after.split("\n")[:-1]
    lines = difflib.unified_diff(old, new, f"a/{shown}", f"b/{shown}", n=2, lineterm="")
    return "".join(_with_ends(list(lines), ends))


def _with_ends(lines: Sequence[str], ends: Sequence[str]) -> Iterator[str]:
    """The lines of a diff, each with the end that it has in the file; a new one, that of the old one."""
    yield from (f"{line}\n" for line in lines[:2])
    old = 0
    for line in lines[2:]:
        hunk = re.match(r"@@ -(\d+)", line)
        if hunk:
            old = int(hunk[1]) - 1
            yield f"{line}\n"
            continue
        is_new = line.startswith("+")
        end = ends[max(old - 1, 0) if is_new else old] if ends else "\n"
        old += not is_new
        yield line + (end or "\n\\ No newline at end of file\n")


def _ends_of_lines(file: str, text: str) -> list[str]:
    """What ends each line of a file: a newline, Windows' two characters, or at the last nothing."""
    try:
        raw = Path(file).read_bytes()
    except OSError:  # a cell of a notebook
        return []
    ends = [line[len(line.rstrip(b"\r\n")) :].decode() for line in raw.split(b"\n")]
    ends = [f"{end}\n" for end in ends[:-1]] + ([""] if raw and not raw.endswith(b"\n") else [])
    return ends if len(ends) == text.count("\n") else []
