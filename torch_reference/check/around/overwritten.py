"""Outputs that a backward overwrites: they are right, and others once it has run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch_reference.comparison import Verdict
from torch_reference.judging.calls.nests import tensors_of
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.finding import Finding, breach
from torch_reference.judging.hygiene import is_another
from torch_reference.judging.report import Report

Outputs = Mapping[str, Any]


def overwritten(forward: Callable[[], Outputs], before: Outputs | None, after: Outputs) -> list[Finding]:
    """A finding for each that is another after the backward; none where any two calls differ.

    before is what a call of the forward made, where it is known.
    """
    try:
        before = forward() if before is None else before
        found = _others(before, after)
        if not found or _others(before, forward()):
            return []
    except UserCodeError:
        return []
    told = "the backward changed it in place: work on a copy, or allow it where that is meant"
    return [breach(name, "output", Verdict.OVERWRITTEN, told) for name in found]


def _others(before: Outputs, after: Outputs) -> list[str]:
    one, other = tensors_of(before), tensors_of(after)
    return [name for name in one if name in other and is_another(other[name].detach(), one[name].detach())]


def told_of_overwritten(late: Sequence[Finding], report: Report) -> Report:
    """The report that tells them first, and nothing that follows from it.

    A gradient that is written into an output requires grad, as the output does.
    """
    if not late:
        return report
    names = {finding.name for finding in late}
    left = [each for each in report.findings if each.name not in names]
    left = [each for each in left if each.row.verdict is not Verdict.REQUIRES_GRAD]
    return replace(report, findings=(*late, *left))
