"""A source file as text that can be edited piece by piece, at the places that a syntax tree names."""

import ast
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
