"""--inputs and --outputs: which columns of a file are meant, by the same rule in every program."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from reading.plain_lines import one_line
from reading.tables import read_table


class Observations(NamedTuple):
    """One input and one observed number in each row, and the names of the two columns."""

    inputs: list[float]
    observed: list[float]
    names: tuple[str, str]


def add_column_options(parser: argparse._ActionsContainer) -> None:
    """Add the two options that choose one column each."""
    parser.add_argument("--inputs", metavar="NAME", help="the column of inputs (default: the first of two)")
    parser.add_argument("--outputs", metavar="NAME", help="the column observed (default: the last of two)")


def read_observations(path: str, inputs: str | None = None, observed: str | None = None) -> Observations:
    """The two columns of a CSV file, read as numbers; what was assumed is told on standard error."""
    table = read_table(path)
    names = two_columns(path, tuple(table.columns), inputs, observed)
    found = Observations(table.numbers(names[0]), table.numbers(names[1]), names)
    say_assumed(path, f"{table.told}; input {names[0]!r}, observed {names[1]!r}")
    return found


def two_columns(
    source: str, columns: Sequence[str], inputs: str | None, observed: str | None
) -> tuple[str, str]:
    """The names of the input and of what was observed: those asked for, or the file's two in their order."""
    check_columns("--inputs", [inputs] if inputs else [], source, columns)
    check_columns("--outputs", [observed] if observed else [], source, columns)
    if inputs and inputs == observed:
        raise ValueError(f"--inputs and --outputs: expected two columns, found {inputs!r} twice")
    if inputs and observed:
        return inputs, observed
    if len(columns) != 2:
        several = f": --inputs and --outputs choose from {', '.join(columns)}" if len(columns) > 2 else ""
        raise ValueError(f"{source}: expected two columns (input, observed), found {len(columns)}{several}")
    first, last = columns
    return (last, first) if inputs == last or observed == first else (first, last)


def check_columns(option: str, names: Sequence[str], source: str, columns: Sequence[str]) -> None:
    """Raise ValueError for a name that is no column, or is named twice."""
    for name in names:
        if name not in columns:
            known = ", ".join(columns)
            raise ValueError(f"{option}: {source} has no column {name!r}: the columns are {known}")
        if list(names).count(name) > 1:
            raise ValueError(f"{option}: the column {name!r} is named twice")


def say_assumed(source: str, what: str) -> None:
    """Tell on standard error, in one line, how a file was read; of several ranks the first does."""
    if os.environ.get("RANK", "0") == "0":
        print(one_line(f"{source}: {what}"), file=sys.stderr)
