"""What each derivative and each link is worth: one point each, or as a small CSV file says."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from manual_backprop import PARAMETERS
from support.options import is_number, read_text

LINKS = ("predicted", "y1", "x1", "y2", "x2")
"""The names under which a derivation may return the gradient of an intermediate."""


def read_marks(path: str | None, wrt: Sequence[str]) -> dict[str, float]:
    """Name -> points: of a file with a header and lines such as w3,2; without a file one each."""
    if path is None:
        return dict.fromkeys(wrt, 1.0)
    rows = [
        row for row in csv.reader(read_text(Path(path)).splitlines()) if any(cell.strip() for cell in row)
    ]
    marks: dict[str, float] = {}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != 2:
            raise ValueError(
                f"{path}, line {line}: expected a name and its points as in w3,2, found {','.join(row)}"
            )
        name, points = (cell.strip() for cell in row)
        if name not in (*PARAMETERS, *LINKS):
            known = ", ".join((*PARAMETERS, *LINKS))
            raise ValueError(f"{path}, line {line}: expected one of {known}, found {name!r}")
        if name in marks:
            raise ValueError(f"{path}, line {line}: {name} is there twice")
        if not is_number(points) or not 0 <= float(points) < math.inf:
            raise ValueError(f"{path}, line {line}: expected points of at least 0, found {points!r}")
        marks[name] = float(points)
    if not marks:
        raise ValueError(f"{path}: expected a header and a line such as w3,2, found no points")
    return marks


def total(marks: Mapping[str, float], right: Mapping[str, bool]) -> float:
    """The points of all names that are right."""
    return sum(points for name, points in marks.items() if right.get(name, False))
