"""A report with places: which line of the user's own code is wrong, and one edit that would make it right."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from torch_reference.chain.derivations import links_of_derivation
from torch_reference.chain.inside import links_of_function
from torch_reference.chain.report import ChainReport
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import UPSTREAM
from torch_reference.repair.single_edits import NONE, Repairs, repairs
from torch_reference.repair.task_trials import TaskTrials

MOST_OUTPUTS = 64


class CalledAt(NamedTuple):
    """How a function was called: the point, and the inputs whose gradients were asked for."""

    point: Mapping[str, Tensor]
    wanted: Sequence[str]


@dataclass(frozen=True)
class LocatedReport(Report):
    """A report of a mismatch, the links inside the user's code, and the edits that would make it right."""

    inside: ChainReport | None = None
    repairs: Repairs = NONE

    def to_dict(self) -> dict[str, object]:
        """Everything, for machines."""
        found = super().to_dict()
        if self.inside is not None:
            found["inside"] = self.inside.to_dict()
        found["edits"] = [repair._asdict() for repair in self.repairs.found]
        found["edits_tried"], found["edits_seconds"] = self.repairs.tried, self.repairs.seconds
        return found

    def __str__(self) -> str:
        """The report, the chain of local variables behind it, and the edit: 80 columns but for code."""
        parts = [super().__str__()]
        if self.inside is not None and self.inside.wrong:
            parts.append(f"in your code, from the loss backwards:\n\n{self.inside.text()}")
        elif self.inside is not None and self.inside.note:
            parts.append(f"in your code: {self.inside.note}")
        return "\n\n".join([*parts, *([str(self.repairs)] if self.repairs.found else [])])


def located_in_function(
    report: Report,
    function: Any,
    reference: Callable[..., Any],
    inputs: Sequence[Any],
    where: CalledAt,
    make_task: Callable[[Any], Task],
) -> Report:
    """The report on a Function or a pair, with the wrong lines of its backward.

    Shapes: where is how it was called when it was wrong; make_task makes the task of a function in place of
            this one
    """
    owner = getattr(function, "__self__", function)  # of Function.apply it is the Function
    function = owner if isinstance(owner, type) else function
    is_function = isinstance(function, type) and issubclass(function, torch.autograd.Function)
    if not _has_wrong_numbers(report) or not (is_function or isinstance(function, tuple)):
        return report
    flags = [f"inputs[{index}]" in where.wanted for index in range(len(inputs))]
    above = [where.point.get(f"{UPSTREAM}outputs[{index}]") for index in range(MOST_OUTPUTS)]
    inside = links_of_function(function, reference, inputs, flags, above)
    backward = function[1] if isinstance(function, tuple) else function.backward

    def edited_task(edited: Any) -> Task:
        if isinstance(function, tuple):
            return make_task((function[0], edited))
        return make_task(type(function.__name__, (function,), {"backward": staticmethod(edited)}))

    return _located(report, inside, edited_task, backward)


def located_in_derivation(
    report: Report,
    model: nn.Module,
    loss: Callable[[Any, Any], Tensor],
    inputs: Any,
    targets: Tensor | None,
    derivation: Callable[..., Any],
    make_task: Callable[[Any], Task],
) -> Report:
    """The report on a derivation, with its wrong lines.

    Shapes: as check_derivation takes them; make_task makes the task of a derivation in place of this one
    """
    if not _has_wrong_numbers(report):
        return report
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    inside = links_of_derivation(
        model, loss, arguments, targets, lambda parameters: derivation(parameters, inputs, targets)
    )
    return _located(report, inside, make_task, derivation)


def _has_wrong_numbers(report: Report) -> bool:
    """Whether a gradient differs: of a missing one, or a broken rule, no line is to blame."""
    return any(
        finding.starts_here
        and finding.kind != "output"
        and finding.row.verdict.value in ("differs", "infinite", "nan", "wrong shape")
        for finding in report.findings
    )


def _located(
    report: Report, inside: ChainReport, make_task: Callable[[Any], Task], top: Callable[..., Any]
) -> Report:
    known = {field.name: getattr(report, field.name) for field in fields(report)}
    places = {
        (link.quantity.place.code, link.quantity.place.line) for link in inside.wrong if link.quantity.place
    }
    found = NONE
    if len(places) == 1 and all(link.quantity.place for link in inside.wrong):
        [(code, line)] = places
        judged = {link.quantity.manual_name for link in inside.links if link not in inside.wrong}
        try:
            trials = TaskTrials(make_task, top).trials
            found = repairs(trials, code, line, sorted(judged | inside.forward)) if code else NONE
        except Exception:  # the user's code, in another task: no edit rather than an error
            found = NONE
    return LocatedReport(**known, inside=inside, repairs=found)
