"""A function at the points that its user gives, besides the first."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch_reference.judging.report import Report


def at_further_points(
    report: Report, points: Sequence[Sequence[Any]], checked: Callable[..., Report]
) -> Report:
    """The report, or that of the first of the points where the function does not agree.

    Errors: ValueError for a point that is no tuple of arguments
    """
    for number, point in enumerate(points if report.agrees else ()):
        if not isinstance(point, tuple | list):
            told = f"points[{number}]: expected a tuple of arguments, found {type(point).__name__}"
            raise ValueError(told)  # noqa: TRY004 - the value of an option
        found = checked(*point, ways=[], order=1)
        name = f"points[{number}]"
        ways = (*report.ways, (name, "agrees" if found.agrees else "fails"))
        if not found.agrees:
            return replace(found, ways=ways, note=f"at {name}", warnings=report.warnings)
        report = replace(report, ways=ways)
    return report
