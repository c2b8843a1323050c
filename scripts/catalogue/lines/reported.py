"""The tables of reported mistakes: one a line, below a line with # that says where its kind was reported."""

from collections.abc import Iterator
from typing import NamedTuple

from catalogue.lines import held_out_kernels, held_out_numpy, held_out_reports, line_reports


class Reported(NamedTuple):
    """module:subject, the class of the mistake, the right text (its first in the backward), and the wrong."""

    subject: str
    kind: str
    right: str
    wrong: str
    source: str = ""


def read(table: str) -> Iterator[Reported]:
    """The mistakes of a table."""
    source = ""
    for line in table.strip().splitlines():
        if line.startswith("#"):
            source = line.removeprefix("#").strip()
        else:
            subject, kind, right, wrong = (part.strip() for part in line.split(" | "))
            yield Reported(subject, kind, right, wrong, source)


REPORTED = tuple(read(line_reports.TABLE))
HELD_OUT = (
    *read(held_out_reports.TABLE),
    *read(held_out_kernels.TABLE),
    *read(held_out_numpy.TABLE),
)
"""Written down before the check had seen any of them; what it said then is in docs/scoreboard.md."""
