"""The check of a derivation: observe it, judge it, judge each link by itself, and diagnose what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch_reference.compare import Row, Verdict
from torch_reference.diagnosis import diagnose
from torch_reference.hygiene import observe
from torch_reference.judgement import FORM, judge, roundings, who_is_wrong
from torch_reference.objective import Tensors
from torch_reference.report import Finding, Report, breach
from torch_reference.task import Task, cut_point, redrawn_parameters


def examine(task: Task, draws: int = 4) -> Report:
    """Check a task at its own point and, if all is well there, at other parameters: compare and explain.

    A start at b = 0, or parameters that the derivation remembers, hide mistakes at a single point.

    draws is the number of random points, besides the task's own, on which a diagnosis must hold; 0 asks for
    none, nor for who is wrong.
    """
    report = examine_here(task, draws)
    if not report.agrees or not task.parameters:
        return report
    elsewhere = replace(task, point=redrawn_parameters(task, seed=0))
    found = examine_here(elsewhere, draws)
    note = "at your parameters all is right; these are others, drawn at random near them"
    return report if found.agrees else replace(found, note=note)


def examine_here(task: Task, draws: int) -> Report:
    """Check a task at its own point only."""
    observation = observe(task.derivation, task.point, task.may_alias)
    manual = observation.result
    shapes = task.shapes(task.point)
    known = {name: shape for name, shape in shapes.items() if name in manual or name in task.required}
    returned = {name: value for name, value in manual.items() if name in known}
    rows = judge(returned, task.objective, task.point, known)
    by_itself = rows
    point: Tensors = task.point
    cuts: Sequence[str] = ()
    if not all(row.agrees for row in rows.values()):
        point, cuts = cut_point(task, task.point, returned)
        if cuts:
            by_itself = judge(returned, task.objective, point, known, cuts)
    findings = [
        _finding(task, name, rows[name], by_itself[name], (point, known, cuts), draws) for name in known
    ]
    for name in manual:
        if name not in known:
            reason = task.refused.get(name, f"expected one of {', '.join(shapes)}")
            findings.append(breach(name, "unknown", Verdict.EXTRA, reason))
    for name, (verdict, explanation) in observation.breaches.items():
        findings = [finding for finding in findings if finding.name != name or not finding.agrees]
        finding = breach(name, task.kind(name), verdict, explanation)
        # A changed input falsifies whatever was computed after it: it comes first.
        findings = [finding, *findings] if verdict is Verdict.MUTATED else [*findings, finding]
    return Report(tuple(findings), str(task.dtype).removeprefix("torch."))


def _finding(
    task: Task,
    name: str,
    row: Row,
    by_itself: Row,
    context: tuple[Tensors, Mapping[str, Sequence[int]], Sequence[str]],
    draws: int,
) -> Finding:
    kind = task.kind(name)
    if row.agrees:
        return Finding(name, kind, row)
    if by_itself.agrees:
        return Finding(name, kind, row, inherited=True)
    point, names, cuts = context
    dtype = task.dtype
    distance = roundings(by_itself, dtype)
    if not draws:
        return Finding(name, kind, by_itself, roundings=distance)
    wrong = "" if row.verdict in FORM else who_is_wrong(task.objective, point, by_itself, names, cuts)
    diagnosis = diagnose(task, name, draws)
    return Finding(name, kind, by_itself, roundings=distance, diagnosis=diagnosis, wrong=wrong)
