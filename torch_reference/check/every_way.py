"""A function that is right as it was given, called in every other way: at its point, or at few rows of it."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import torch

from torch_reference.check.as_given import AsGiven
from torch_reference.check.few_rows import few_rows
from torch_reference.check.ways.running import WayFound, is_another_function, run_ways
from torch_reference.check.ways.second_order import second_derivative
from torch_reference.check.ways.session import Session
from torch_reference.check.ways.table import COSTLY, Way
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.report import Finding, Report


def in_every_way(
    session: Session,
    report: Report,
    ways: Mapping[str, Way],
    order: int | None,
    allow: Collection[str],
    on: str = "",
) -> Report:
    """The report, and what came of every other way of calling; on is the part of the point that they see."""
    session = replace(session, plain=session.first())
    found = run_ways(session, ways, allow)
    second = [] if order == 1 else run_ways(session, {"second derivative": second_derivative}, allow)
    return with_ways(report, found, second, order, on)


def with_ways(
    report: Report, found: list[WayFound], second: list[WayFound], order: int | None, on: str = ""
) -> Report:
    """The report with the ways; the first that fails is shown."""
    warnings = [
        f"{way.told} it returns others than the reference: {', '.join(each.name for each in way.findings)}"
        for way in found
        if way.status == "warns"
    ]
    if order == 2:
        found = found + second
    elif second and second[0].status == "fails":
        warnings += _of_the_second(second[0].findings[0])
    ways = tuple((way.name, way.status) for way in found)
    report = replace(report, ways=ways, ways_on=on, warnings=tuple(warnings))
    failing = [way for way in found if way.status == "fails"]
    if not failing:
        return report
    first = failing[0]
    wrong = {finding.name for finding in first.findings}
    right = [finding for finding in report.findings if finding.name not in wrong]
    return replace(report, findings=(*first.findings, *right), note=first.told)


def _of_the_second(finding: Finding) -> list[str]:
    """What to warn of; of nothing where once_differentiable says so itself."""
    told = finding.row.explanation
    if finding.row.verdict is Verdict.RAISED:
        return [] if "once_differentiable" in told else [f"there is no second derivative: {told}"]
    return [f"the second derivative is wrong: {finding.name}"]


def on_few_rows(
    session: Session,
    as_given: AsGiven,
    report: Report,
    ways: Mapping[str, Way],
    order: int | None,
    seed: int,
) -> Report:
    """The same at a few rows; where there are none such, the whole point in the ways that share it."""
    try:
        point = few_rows(session.objective, session.point, session.wanted, seed)
        here = as_given.check(point) if point else None
    except UserCodeError:
        point = here = None
    if point is None or here is None or not here:
        wrong = [finding for finding in here.findings if not finding.agrees] if here else []
        if wrong and not is_another_function(wrong) and not any(each.is_breach for each in wrong):
            failing = WayFound("few rows", "fails", "with few rows", tuple(wrong))
            return with_ways(report, [failing], [], order, _parts(point or {}))
        report = as_given.check(session.point)  # twice, which a part of it could not be
        if not report:
            return report
        kept = {name: way for name, way in ways.items() if name not in COSTLY}
        return in_every_way(session, report, kept, order if order == 2 else 1, as_given.allow)
    return in_every_way(replace(session, point=point), report, ways, order, as_given.allow, _parts(point))


def _parts(point: Tensors) -> str:
    """The sizes of the inputs that the ways saw."""
    sizes = [
        f"{name} {' x '.join(map(str, value.shape)) or 'a number'}"
        for name, value in point.items()
        if name.startswith("inputs[") and isinstance(value, torch.Tensor)
    ]
    return ", ".join(sizes)
