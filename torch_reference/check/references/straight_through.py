"""What is no derivative and may be meant: a gradient where the value is constant nearly everywhere."""

from collections.abc import Sequence
from dataclasses import fields, replace

from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.report import Diagnosis, Report
from torch_reference.judging.scalar_objective import Tensors, reference_gradients

SURROGATE = Diagnosis(
    "straight-through",
    "The reference is constant around this point, so that its derivative is zero; this is the gradient of"
    " another function, as a straight-through estimator hands it on.",
    "If that is meant, give the other function, as surrogate=lambda x: x where it is the identity.",
)


def told_as_surrogate(
    report: Report, objective: FunctionObjective, point: Tensors, wanted: Sequence[str]
) -> Report:
    """The report, with that said where all of the reference's gradients are zero; then nobody is wrong."""
    differ = [finding for finding in report.findings if finding.kind == "input" and not finding.agrees]
    if not differ or any(finding.row.manual is None for finding in differ):
        return report
    try:
        names = {name: tuple(point[name].shape) for name in wanted}
        if any(bool(value.any()) for value in reference_gradients(objective, point, names).values()):
            return report
    except UserCodeError:
        return report
    told = [
        replace(finding, diagnosis=SURROGATE, wrong="undecided") if finding in differ else finding
        for finding in report.findings
    ]
    # No line is wrong then, and no edit mends it: of what locates them the report alone is left.
    plain = Report(**{field.name: getattr(report, field.name) for field in fields(Report)})
    return replace(plain, findings=tuple(told))
