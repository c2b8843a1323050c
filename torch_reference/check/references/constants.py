"""Inputs of which no gradient is wanted, though nobody said so: what is told of them."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.report import Report

RETURNED_NONE = (
    "None for {}: where that is a constant, give requires_grad to the other inputs, or name them in wrt="
)
INSIDE = (
    "not judged, since a Function hands no gradient to what is inside of an argument, and nothing requires"
    " one: {}"
)


def told_of_none(report: Report, gradients: Mapping[str, Any]) -> Report:
    """The report, and that a gradient which differs was None: then its input may be a constant."""
    wrong = {finding.name for finding in report.findings if not finding.agrees}
    names = [name for name, value in gradients.items() if value is None and name in wrong]
    if not names:
        return report
    return replace(report, remarks=(*report.remarks, RETURNED_NONE.format(", ".join(names))))


def told_of_inside(arguments: Arguments, wanted: Collection[str], outermost: bool) -> tuple[str, ...]:
    """That the tensors inside of a Function's arguments are left out, where they are."""
    left = [name for name in arguments.differentiable if name not in wanted and name.count("[") > 1]
    return (INSIDE.format(", ".join(left)),) if left and outermost and not arguments.asked_for else ()
