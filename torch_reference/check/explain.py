"""What a derivation returned beside what is right: each link by itself, its size, its kind, whose it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from torch_reference.check.located.in_float64 import task_in_float64
from torch_reference.comparison import Row, Verdict
from torch_reference.diagnosis.diagnosis import diagnose
from torch_reference.diagnosis.small_factor import small_factor
from torch_reference.diagnosis.sums_in_16_bits import accumulated_in_16_bits
from torch_reference.judging.calls.shifts import zeros
from torch_reference.judging.derivation_task import Cut, Shapes, Task, cut_point, unfit
from torch_reference.judging.finding import roundings
from torch_reference.judging.hygiene import called_again
from torch_reference.judging.judgement import EXPLAINED, FORM, judge
from torch_reference.judging.report import UNKNOWN, Diagnosis, Finding
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors, reference_gradients
from torch_reference.judging.witness import Testimony, testimony
from torch_reference.repair.own_time import OwnTime
from torch_reference.tolerance.own_code.own_formula import OF_FORMULA, OTHERWISE
from torch_reference.tolerance.rounding.exact_run import widened_inputs

SECONDS = 20.0
"""So long are kinds and witnesses looked for: one mistake spoils most of a network's gradients, and the first
of them, from the loss backwards, say what is to be known."""
LEFT = f"its kind was not looked for: those before took {SECONDS:.0f} s"


def compared(task: Task, manual: Tensors, shapes: Shapes, draws: int) -> list[Finding]:
    """One finding for every name that was returned or had to be, from the loss backwards."""
    names = {name: shape for name, shape in shapes.items() if name in manual or name in task.required}
    judged = partial(judge, manual, task.objective, task.point, names, outputs=task.outputs)
    derive = partial(called_again, task.beside or task.derivation)
    again = partial(derive, task.point)
    rows = judged(coarsely=task.coarsely, again=again, derive=derive, refuted=task.refuted)
    besides = [Finding(name, "output", rows.pop(name)) for name in task.outputs]
    if all(row.agrees for row in rows.values()):
        return besides + [Finding(name, task.kind(name), row) for name, row in rows.items()]
    point, links = cut_point(task, task.point, manual)
    cut = Cut(point, names, links)
    by_itself = judge(manual, task.objective, *cut) if links else {**rows}
    below = _below_unfit_links(task, cut, manual)
    findings, limit = besides, OwnTime(SECONDS)
    by_itself |= _own_formulas(rows, links)
    for name, row in rows.items():
        if row.agrees or by_itself[name].agrees:
            told = replace(row, explanation="") if row.explanation in OF_FORMULA else row
            findings.append(Finding(name, task.kind(name), told, inherited=not row.agrees))
        elif name in below:
            link = below[name]
            why = unfit(manual[link], shapes[link], task.dtype)
            reason = f"cannot be judged, because its upstream gradient {link} {why}"
            findings.append(Finding(name, task.kind(name), replace(row, explanation=reason), inherited=True))
        else:
            late = draws > 0 and limit.is_over()
            finding = _explained(task, by_itself[name], cut, 0 if late else draws, manual)
            findings.append(_left(finding) if late else finding)
    return findings


def _own_formulas(rows: Mapping[str, Row], links: Sequence[str]) -> dict[str, Row]:
    """What differs by its formula, down to the first wrong link: from there on it may be inherited."""
    found = {}
    for name, row in rows.items():
        if row.explanation in OF_FORMULA:
            found[name] = row
        if name in links and not row.agrees:
            break
    return found


def _left(finding: Finding) -> Finding:
    """What differs, for whose kind there was no time."""
    if finding.row.explanation or finding.row.verdict is not Verdict.DIFFERS:
        return finding
    return replace(finding, row=replace(finding.row, explanation=LEFT))


def _below_unfit_links(task: Task, cut: Cut, manual: Tensors) -> dict[str, str]:
    """Whatever is fed by a link that one cannot judge by, and that link: there is nothing to cut with.

    It is fed by a link if its gradient is another one when that link's upstream gradient is zero.
    """
    fed: dict[str, str] = {}
    right = reference_gradients(task.objective, *cut)
    for link in task.links:
        if link in manual and link not in cut.links:
            point = {**cut.point, UPSTREAM + link: torch.zeros_like(right[link])}
            without = reference_gradients(task.objective, point, cut.names, [*cut.links, link])
            fed |= {
                name: link for name in right if name != link and not torch.equal(right[name], without[name])
            }
    return fed


def _explained(task: Task, row: Row, cut: Cut, draws: int, manual: Tensors) -> Finding:
    """What is known of a mistake: how large it is, what it looks like, and whose it is."""
    dtype = zeros(task.point, row.name, ()).dtype
    finding = Finding(row.name, task.kind(row.name), row, roundings=roundings(row, dtype))
    if row.explanation == OTHERWISE:  # in 16 bits PyTorch's own is as far off
        task, cut = task_in_float64(task), cut._replace(point=widened_inputs(dict(cut.point)))
    if draws and row.verdict is Verdict.LOSES_DIGITS and row.name in manual:
        return replace(finding, diagnosis=_of_digits(task, row.name, manual[row.name], draws))
    if row.verdict is Verdict.DIFFERS and row.part and (found := _of_all(task, row, cut, manual)):
        return replace(finding, diagnosis=found)
    if not draws or row.verdict in FORM - {Verdict.WRONG_SHAPE} | EXPLAINED:
        return finding  # a missing gradient, or one of a wrong dtype or device, explains itself
    told = Testimony("") if row.verdict in FORM else _whose(task, row, cut)
    diagnosis = None if told.wrong == "PyTorch's" else _diagnosis(task, row.name, draws)
    return replace(finding, diagnosis=diagnosis, wrong=told.wrong, witness=told.witness)


def _of_digits(task: Task, name: str, manual: Tensor, draws: int) -> Diagnosis | None:
    """How digits were lost: in a sum in 16 bits, or at every point, as those of a difference quotient."""
    if manual.dtype == torch.float64:
        found = _diagnosis(task, name, draws)
        return found if found.kind == "few digits" else None
    try:
        return accumulated_in_16_bits(task, name, manual)
    except Exception:  # of one row alone the reference may have no value
        return None


def _of_all(task: Task, row: Row, cut: Cut, manual: Tensors) -> Diagnosis | None:
    try:
        return small_factor(task.objective, row, cut, manual[row.name])
    except Exception:  # the reference is the user's
        return None


def _whose(task: Task, row: Row, cut: Cut) -> Testimony:
    try:
        return testimony(task.objective, row, *cut)
    except Exception:  # the reference is the user's: it may have no value beside this point
        return Testimony("undecided")


def _diagnosis(task: Task, name: str, draws: int) -> Diagnosis:
    try:
        return diagnose(task, name, draws)
    except Exception:  # what fails at other points says nothing of this one
        return UNKNOWN
