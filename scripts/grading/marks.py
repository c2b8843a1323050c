"""What each derivative and each link is worth: one point each, or as a small CSV file says."""

from collections.abc import Mapping, Sequence

from manual_backprop import PARAMETERS
from manual_backprop.lesson.network import NODES
from reading.cells import number
from reading.tables import read_table

LINKS = ("predicted", *(f"{letter}{node.NAMES[0][1:]}" for node in NODES for letter in "yx"))
"""The names under which a derivation may return the gradient of an intermediate."""


def read_marks(path: str | None, wrt: Sequence[str]) -> dict[str, float]:
    """Name -> points: of a file with a header and lines such as w3,2; without a file one each."""
    if path is None:
        return dict.fromkeys(wrt, 1.0)
    table = read_table(path)
    if len(table.columns) != 2:
        raise ValueError(f"{path}: expected two columns (name, points), found {len(table.columns)}")
    names, points = (table.columns[column] for column in table.columns)
    marks: dict[str, float] = {}
    for line, name, value in zip(table.lines, map(str.strip, names), points, strict=True):
        if name not in (*PARAMETERS, *LINKS):
            known = ", ".join((*PARAMETERS, *LINKS))
            raise ValueError(f"{path}, line {line}: expected one of {known}, found {name!r}")
        if name in marks:
            raise ValueError(f"{path}, line {line}: {name} is there twice")
        try:
            marks[name] = number(value, table.decimal)
        except ValueError as error:
            raise ValueError(f"{path}, line {line}: {error}") from None
        if marks[name] < 0:
            raise ValueError(f"{path}, line {line}: expected points of at least 0, found {value!r}")
    return marks


def total(marks: Mapping[str, float], right: Mapping[str, bool]) -> float:
    """The points of all names that are right."""
    return sum(points for name, points in marks.items() if right.get(name, False))
