"""Inputs of which no gradient is wanted, though nobody said so: what is told of them."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from torch_reference.check.graphs import applied
from torch_reference.check.references.stand_in import autograd_function
from torch_reference.judging.calls.arguments import Arguments
from torch_reference.judging.calls.points import leaving_all_alone, quiet_call
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code
from torch_reference.judging.calls.really import is_a
from torch_reference.judging.hygiene import copies
from torch_reference.judging.report import Report

RETURNED_NONE = (
    "None for {}: where that is a constant, give requires_grad to the other inputs, or name them in wrt="
)
INSIDE = (
    "not judged, since a Function hands no gradient to what is inside of an argument, and nothing requires"
    " one: {}"
)

IN_A_NEST = (
    "its forward returns a {}: autograd knows nothing of the tensors in it, only of a tensor or a tuple of"
    " them, so that no gradient comes back"
)
DETACHED = (
    "of a part that is detached on purpose, or reversed, the values tell another derivative: a reference, or"
    " surrogate=, says what is meant"
)


def told_of_values(report: Report, is_quotient: bool) -> Report:
    """The report, and that values alone do not tell what is meant, where only gradients differ from them."""
    differs = any(
        each.kind != "output" and each.row.manual is not None and not each.agrees for each in report.findings
    )
    outputs = all(each.agrees for each in report.findings if each.kind == "output")
    if not (is_quotient and differs and outputs):
        return report
    return replace(report, remarks=(*report.remarks, DETACHED))


def told_of_none(report: Report, gradients: Mapping[str, Any]) -> Report:
    """The report, and that a gradient which differs was None: then its input may be a constant."""
    wrong = {finding.name for finding in report.findings if not finding.agrees}
    names = [name for name, value in gradients.items() if value is None and name in wrong]
    if not names:
        return report
    return replace(report, remarks=(*report.remarks, RETURNED_NONE.format(", ".join(names))))


def told_of_a_nest(report: Report, function: Any, arguments: Arguments) -> Report:
    """The report, and that a Function returns its tensors in what autograd does not look into."""
    is_detached = any(each.row.manual == 0 and not each.agrees for each in report.findings)
    if autograd_function(function) is None or not is_detached:
        return report
    try:
        with leaving_all_alone(), quiet_call(), user_code("forward"):
            made = arguments.call(applied(function), copies(arguments.point))
    except UserCodeError:
        return report
    if not is_a(made, (list, dict)):
        return report
    return replace(report, remarks=(IN_A_NEST.format(type(made).__name__),))


def told_of_inside(arguments: Arguments, wanted: Collection[str], outermost: bool) -> tuple[str, ...]:
    """That the tensors inside of a Function's arguments are left out, where they are."""
    left = [name for name in arguments.differentiable if name not in wanted and name.count("[") > 1]
    return (INSIDE.format(", ".join(left)),) if left and outermost and not arguments.asked_for else ()
