"""Where a loss depends on no parameter, or has no gradient, or data hold no number: nothing to agree with."""

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from torch_reference.comparison import Verdict
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code, without_place
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.report import Finding, Report, breach
from torch_reference.judging.scalar_objective import Objective, Tensors, zeros


def nothing_in_derivation(task: Task) -> Finding | None:
    """The finding that says so, or None where there is something to compare.

    Whoever returns zeros would agree with a loss that was detached, and with one of no observations.
    """
    try:
        gradients = _gradients(task.objective, task.point, task.parameters)
    except UserCodeError:  # the check itself meets it again, and tells
        return None
    if not gradients:
        return _nothing("the loss depends on no parameter")
    return _of_empty_data(task.point, gradients)


def nothing_in_function(objective: Objective, point: Tensors, wanted: Iterable[str]) -> Finding | None:
    """The same of a function, of which something is known to depend on its inputs."""
    if all(value.numel() for value in point.values()):
        return None
    try:
        return _of_empty_data(point, _gradients(objective, point, wanted))
    except UserCodeError:
        return None


def unless_the_reference_raises(
    report: Report, objective: Objective, point: Tensors, wanted: Iterable[str]
) -> Report:
    """The report, or that of the reference, whose own backward raises the error that the function's does."""
    said = [each.row.explanation for each in report.findings if each.name == "backward"]
    if not said:
        return report
    try:
        _gradients(objective, point, wanted)
    except UserCodeError as error:
        if without_place(str(error)) in map(without_place, said):
            others = [each for each in report.findings if each.name != "backward"]
            return replace(report, findings=(breach(error.part, "call", Verdict.RAISED, str(error)), *others))
    return report


def _gradients(objective: Objective, point: Tensors, names: Iterable[str]) -> list[Tensor]:
    """Those that autograd has: none of what nothing depends on."""
    shifts = [zeros(point, name, point[name].shape).requires_grad_() for name in names]
    with torch.enable_grad():
        value = objective(point, dict(zip(names, shifts, strict=True)))
    if not value.requires_grad:
        return []
    with user_code("reference's own backward"):
        found = torch.autograd.grad(value, shifts, allow_unused=True)
    return [gradient for gradient in found if gradient is not None]


def _of_empty_data(point: Tensors, gradients: list[Tensor]) -> Finding | None:
    """A sum over no observations is 0 for every network."""
    empty = [name for name, value in point.items() if not value.numel()]
    if not empty or not any(gradient.numel() for gradient in gradients):
        return None  # of gradients without an element the report says so
    if any(bool(gradient.any()) for gradient in gradients):
        return None
    return _nothing(f"{' and '.join(empty)} {'have' if empty[1:] else 'has'} no element")


def _nothing(reason: str) -> Finding:
    return breach("reference", "call", Verdict.NOTHING, reason)
