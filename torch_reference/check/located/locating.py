"""A report with places: which line of the user's own code is wrong, and one edit that would make it right."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from torch_reference.chain.derivations import links_of_derivation
from torch_reference.chain.graph import Graph
from torch_reference.chain.inside import links_of_function
from torch_reference.chain.quantity import Place
from torch_reference.chain.recording.placing import Placing
from torch_reference.chain.report import ChainReport
from torch_reference.chain.verdict import Status
from torch_reference.check.located import in_float64
from torch_reference.check.located.in_float64 import differs_by_its_formula, links_in_float64, task_in_float64
from torch_reference.check.located.located_report import LocatedReport
from torch_reference.check.located.of_the_loss import of_the_loss_or_as_given
from torch_reference.check.located.places import in_one_code, suspect_places, what_is_right, what_was_wanted
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.report import UNKNOWN, Diagnosis, Finding, Report
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors
from torch_reference.repair.anew.remade import beside
from torch_reference.repair.search import Trials
from torch_reference.repair.single_edits import NONE, Repairs, repairs
from torch_reference.repair.task_trials import TaskTrials
from torch_reference.tolerance.differences import coarsest
from torch_reference.tolerance.rounding.roundings import HALF

MOST_OUTPUTS = 64
FOLLOWS = (Status.RIGHT, Status.INHERITED)
LOOKS = {"another factor", "another function", "upstream forgotten", "constant factor per element"}
LOOKS |= {"path counted twice", "product of sums", "row for column"}
"""Kinds that a number of another origin may look like."""
OF_A_TERM = LOOKS | {"factor missing", "derivative missing", "derivative at the output"}
"""What a missing term may look like: the factor whose derivative is zero is none that is missing."""
TOLD = ("another name", "wrong sign", "factor 2", "factor 1/2", "constant factor")
"""What is told of one line, and is plainer than these."""


class CalledAt(NamedTuple):
    """How a function was called: the point, and the inputs whose gradients were asked for."""

    point: Mapping[str, Tensor]
    wanted: Sequence[str]


def located_in_function(
    report: Report,
    function: Any,
    reference: Callable[..., Any],
    inputs: Sequence[Any],
    where: CalledAt,
    make_task: Callable[[Any, Tensors], Task],
    placing: Placing,
) -> Report:
    """The report on a Function or a pair, with the wrong lines of its backward.

    Shapes: where is how it was called when it was wrong; make_task makes the task of a function in place of
            this one, at a point
    """
    owner = getattr(function, "__self__", function)  # of Function.apply it is the Function
    function = owner if isinstance(owner, type) else function
    function = tuple(map(_as_written, function)) if isinstance(function, tuple) else function
    is_function = isinstance(function, type) and issubclass(function, torch.autograd.Function)
    if not _has_wrong_numbers(report) or not (is_function or isinstance(function, tuple)):
        return report
    hidden = differs_by_its_formula(report)
    flags = [name in where.wanted for name in placing.names]
    if any(isinstance(value, Tensor) and value.is_complex() for value in inputs):
        return _out_of_reach(report, "complex arguments: the gradient is judged, its lines are not")

    def links(given: Sequence[Any], point: Tensors, precision: torch.dtype | None = None) -> ChainReport:
        above = [point.get(f"{UPSTREAM}outputs[{index}]") for index in range(MOST_OUTPUTS)]
        return links_of_function(function, reference, given, flags, above, placing, precision)

    def links_at(point: Tensors) -> ChainReport:
        is_coarse = coarsest(dict(point)) in HALF  # a link is right there but for what was saved in 16 bits
        found = links_in_float64(links, inputs, dict(point)) if is_coarse or hidden else None
        return links(inputs, point) if found is None else found

    inside, point = of_the_loss_or_as_given(links_at, where.point)
    hidden = hidden or inside.note.startswith(in_float64.IN_FLOAT64)
    backward = function[1] if isinstance(function, tuple) else function.backward

    def task_of(edited: Any) -> Task:
        if isinstance(function, tuple):
            return make_task((beside(function[0], backward, edited), edited), point)
        return make_task(type(function.__name__, (function,), {"backward": staticmethod(edited)}), point)

    def edited_task(edited: Any) -> Task:
        return task_in_float64(task_of(edited)) if hidden else task_of(edited)

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

    def links(model: nn.Module, inputs: Any, targets: Any, precision: Any = None) -> ChainReport:
        arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)

        def derive(parameters: Tensors) -> Mapping[str, Any]:
            return derivation(parameters, inputs, targets)

        return links_of_derivation(model, loss, arguments, targets, derive, precision)

    given, hidden = (model, inputs, targets), differs_by_its_formula(report)
    found = links_in_float64(links, *given) if hidden else None
    inside = links(*given) if found is None else found

    def edited_task(edited: Any) -> Task:
        return task_in_float64(make_task(edited)) if hidden else make_task(edited)

    return _located(report, inside, edited_task, derivation)


def _as_written(function: Any) -> Any:
    """What torch.compile was given: of what it makes of that no line is the user's."""
    return getattr(function, "_torchdynamo_orig_callable", function)


def _out_of_reach(report: Report, why: str) -> Report:
    """The report, and one line that says why it names none."""
    known = {field.name: getattr(report, field.name) for field in fields(report)}
    return LocatedReport(**known, inside=ChainReport((), Graph(()), (), f"out of reach: {why}"))


def _has_wrong_numbers(report: Report) -> bool:
    """Whether a gradient differs: of a missing one, or a broken rule, no line is to blame."""
    return any(
        finding.starts_here
        and finding.kind != "output"
        and finding.wrong != "PyTorch's"
        and finding.row.verdict.value in ("differs", "infinite", "nan", "wrong shape")
        for finding in report.findings
    )


def _located(
    report: Report, inside: ChainReport, make_task: Callable[[Any], Task], top: Callable[..., Any]
) -> Report:
    known = {field.name: getattr(report, field.name) for field in fields(report)}
    found, lines = NONE, suspect_places(inside)
    codes = [place.code for places in lines for place in places[:1]]
    if len(set(codes)) > 1:
        lines = in_one_code(inside)
    if lines and all(lines):
        judged = {link.quantity.manual_name for link in inside.links if link.status in FOLLOWS}
        linked = judged.difference(link.quantity.manual_name for link in inside.wrong) | inside.forward
        try:
            trials = TaskTrials(make_task, top).trials
            found = _repairs(trials, lines, linked, inside)
            lines = in_one_code(inside, tried=codes)
            if not found.lines and lines:  # what all of them need is what they were handed
                found = _repairs(trials, lines, linked, inside)
        except Exception:  # the user's code, in another task: no edit rather than an error
            found = NONE
    located = LocatedReport(**known, inside=inside, repairs=found)
    told = located.told()
    return replace(located, findings=tuple(_told(finding, told) for finding in located.findings))


def _repairs(
    trials: Trials, lines: Sequence[Sequence[Place]], linked: Collection[str], inside: ChainReport
) -> Repairs:
    code = lines[0][0].code
    if code is None:
        return NONE
    here = [[place.line for place in places if place.code is code] for places in lines]
    return repairs(trials, code, here, linked, what_was_wanted(inside, code), what_is_right(inside, code))


def _told(finding: Finding, told: Diagnosis | None) -> Finding:
    """A gradient of unknown kind gets what is known of the one wrong line behind it."""
    kind = finding.diagnosis.kind if finding.diagnosis else ""
    # What was returned under a wrong name may look like a mistake of another kind.
    vague = kind == UNKNOWN.kind or (told is not None and _is_plainer(told.kind, kind))
    return replace(finding, diagnosis=told) if told and vague and finding.starts_here else finding


def _is_plainer(told: str, kind: str) -> bool:
    """Whether what is told of one line says more than what the whole gradient looks like."""
    return (told in TOLD and kind in LOOKS) or (told == "term missing" and kind in OF_A_TERM)
