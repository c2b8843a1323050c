"""The check of a derivation: observe it and compare it, at its own point and at others."""

from contextlib import suppress
from dataclasses import replace

import torch

from torch_reference.check.explain import compared
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.calls.similar_names import did_you_mean
from torch_reference.judging.derivation_task import Shapes, Task, redrawn_parameters
from torch_reference.judging.hygiene import Observation, called_again, observe, unstable
from torch_reference.judging.report import Diagnosis, Finding, Report, breach
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.tolerance.meant import allowances


def examine(task: Task, draws: int = 4) -> Report:
    """Check a task at its own point and, if all is well there, at other parameters: compare and explain.

    A start at b = 0, or parameters that the derivation remembers, hide mistakes at a single point. As nobody
    gave the others, what is near there agrees.

    draws is the number of random points, besides the task's own, on which a diagnosis must hold; 0 asks for
    none, nor for who is wrong.
    """
    report = examine_here(task, draws)
    if not (report.agrees or _is_open(report)) or not task.parameters:
        return report
    elsewhere = replace(task, point=redrawn_parameters(task, seed=0), origin=task.point)
    if report.agrees and examine_here(replace(elsewhere, coarsely=True), draws=0).agrees:
        return report
    if not _in_domain(elsewhere):
        return report
    with suppress(UserCodeError):  # what remembers the call before has this point's again
        called_again(task.derivation, task.point)
    found = examine_here(elsewhere, draws)
    if found.agrees:
        report = _closed(report)
    elif _is_open(found):  # other parameters that prove nothing refute nothing
        return report
    note = "at your parameters all is right; these are others, drawn at random near them"
    return report if found.agrees else replace(found, note=note)


def _in_domain(task: Task) -> bool:
    """Whether the reference has a finite value and finite gradients there."""
    try:
        names = task.shapes(task.point)
        found = reference_gradients(task.objective, task.point, names)
        with torch.no_grad():
            value = task.objective(task.point, {})
    except UserCodeError:
        return False
    return bool(value.isfinite().all()) and all(bool(each.isfinite().all()) for each in found.values())


def _is_open(report: Report) -> bool:
    """Whether nothing is wrong, but something inconclusive."""
    return all(finding.agrees or finding.row.verdict is Verdict.INCONCLUSIVE for finding in report.findings)


def _closed(report: Report) -> Report:
    """What was inconclusive at the task's own point, as residuals of zero are, agrees elsewhere."""
    findings = tuple(
        finding
        if finding.agrees
        else replace(
            finding, row=replace(finding.row, verdict=Verdict.AGREES, explanation=""), inherited=False
        )
        for finding in report.findings
    )
    return replace(report, findings=findings)


def examine_here(task: Task, draws: int) -> Report:
    """Check a task at its own point only; whatever the user's code raises there is a finding."""
    dtype = str(task.dtype).removeprefix("torch.")
    try:
        observation = observe(task.derivation, task.point, task.may_alias, task.once)
        shapes = task.shapes(task.point)
        findings = compared(task, observation.result, shapes, draws)
        findings = _with_second_call(task, findings, observation, shapes)
    except UserCodeError as error:
        return Report((raised(error),), dtype)
    for name in observation.result:
        if name not in shapes:
            reason = did_you_mean(name, shapes) or f"expected one of {', '.join(shapes)}"
            reason = task.refused.get(name, reason)
            findings.append(breach(name, "unknown", Verdict.EXTRA, reason))
    for name, verdict, explanation in observation.breaches:
        if verdict.value in task.allowed or (verdict is Verdict.MUTATED and name in task.may_change):
            continue
        findings = [finding for finding in findings if finding.name != name or not finding.agrees]
        finding = breach(name, task.kind(name), verdict, explanation)
        # A changed input falsifies whatever was computed after it: it comes first.
        findings = [finding, *findings] if verdict is Verdict.MUTATED else [*findings, finding]
    return Report(tuple(findings), dtype, converted=tuple(getattr(task.derivation, "names", ())))


def raised(error: UserCodeError) -> Finding:
    """The finding of a part of the user's code that raised an error."""
    return breach(error.part, "call", Verdict.RAISED, str(error))


def _with_second_call(
    task: Task, findings: list[Finding], observation: Observation, shapes: Shapes
) -> list[Finding]:
    """The findings, and what is to be said of two calls that differ: within rounding, or not repeatable."""
    if not observation.again:
        return findings
    again = compared(task, {**observation.result, **observation.again}, shapes, draws=0)
    within = {finding.name for finding in again if finding.agrees}
    said = []
    for finding in findings:
        row = finding.row
        if finding.agrees and finding.name in within and finding.name in observation.again:
            one, other = (found[finding.name].double() for found in (observation.result, observation.again))
            within_what = "what is allowed" if allowances().rtol else "rounding"
            told = f"two calls differ by up to {(one - other).abs().max().item():.2g}, within {within_what}"
            row = replace(row, explanation="; ".join(filter(None, (row.explanation, told))))
        said.append(replace(finding, row=row))
    if Verdict.UNSTABLE.value in task.allowed:
        return said
    right = {finding.name for finding in findings if finding.agrees}
    broken = [name for name in observation.again if name not in within & right]
    said = [finding for finding in said if finding.name not in broken or not finding.agrees]
    # Numbers of chance look like a mistake by chance: what they are called says nothing.
    said = [replace(one, diagnosis=_of_changes(one)) if one.name in broken else one for one in said]
    return said + [breach(name, task.kind(name), *unstable(name)[1:]) for name in broken]


def _of_changes(finding: Finding) -> Diagnosis | None:
    """The diagnosis, if it says of what was there before."""
    return finding.diagnosis if finding.diagnosis and finding.diagnosis.kind == "stale value" else None
