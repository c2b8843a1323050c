"""Where a loss depends on no parameter, or has no gradient, or data hold no number: nothing to agree with."""

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from torch_reference.check.calling import Called
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code, without_place
from torch_reference.judging.calls.shifts import zeros
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.hygiene import copies, is_the_same
from torch_reference.judging.report import Finding, Report, breach
from torch_reference.judging.scalar_objective import UPSTREAM, Objective, Tensors
from torch_reference.layers.drawn_numbers import drawn_by
from torch_reference.layers.random_state import random_state

OTHERS_DRAWN = (
    "it draws other random numbers than the function does, so that nothing is known of what differs: let "
    "both draw the same in the same order, or hand both what was drawn"
)


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


def unless_nothing_compares(
    report: Report, function: Called, objective: FunctionObjective, point: Tensors, wanted: Iterable[str]
) -> Report:
    """The report, or that of a reference that raises the same error, or draws other random numbers."""
    report = _unless_the_reference_raises(report, objective, point, wanted)
    return _unless_others_are_drawn(report, function, objective, point)


def _unless_the_reference_raises(
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


def _unless_others_are_drawn(
    report: Report, function: Called, objective: FunctionObjective, point: Tensors
) -> Report:
    """The report, or that of a function whose outputs differ and which draws other random numbers.

    One that draws none at all is another function.
    """
    if objective.numbers is None or all(each.agrees for each in report.findings if each.kind == "output"):
        return report
    inputs = {name: value for name, value in point.items() if not name.startswith(UPSTREAM)}
    try:
        state = random_state()
        one = drawn_by(lambda: function.outputs(copies(inputs), ()))
        draws_in_python = any(each.has_moved for each in state.others)
        other = drawn_by(lambda: objective.outputs(copies(inputs)))
    except UserCodeError:
        return report
    if not draws_in_python and (not one or (len(one) == len(other) and all(map(is_the_same, one, other)))):
        return report
    return replace(report, findings=(breach("reference", "call", Verdict.NOTHING, OTHERS_DRAWN),))


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
