"""One submission, judged at every point: what is right at all of them, and what is known of the mistakes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from comparing.lesson_task import lesson_task
from grading.secret_points import LessonPoint
from grading.submissions import Submission
from isolation.derivation import IsolatedDerivation
from isolation.nursery import Nursery
from support.ending import UsersCodeError
from torch_reference.check.examine import examine, examine_here
from torch_reference.judging.report import Report
from torch_reference.lesson.network import SOFTPLUS_THRESHOLD


@dataclass
class Graded:
    """What is known of one submission."""

    student: str
    right: dict[str, bool] = field(default_factory=dict)
    first_wrong: str = ""
    diagnosis: str = ""
    error: str = ""
    where: str = ""
    autograd: list[str] = field(default_factory=list)
    seconds: float = 0.0
    text: str = ""
    printed: str = ""
    points: float = 0.0

    def wrong(self, names: Sequence[str]) -> list[str]:
        """The names among these that are not right."""
        return [name for name in names if not self.right.get(name, False)]


@dataclass(frozen=True)
class Rules:
    """What is asked of every submission."""

    points: Sequence[LessonPoint]
    wrt: Sequence[str]
    names: Sequence[str]
    seconds: float
    memory: int


def graded(submission: Submission, rules: Rules, nursery: Nursery) -> Graded:
    """Judge it at each point until it is wrong at one; whatever it does, something is known afterwards."""
    found, began = Graded(submission.student, error=submission.refusal), time.perf_counter()
    if not submission.refusal:
        try:
            limits: dict[str, Any] = {"seconds": rules.seconds, "memory": rules.memory}
            with IsolatedDerivation(nursery, submission.derivation, **limits) as derivation:
                try:
                    _judge(found, derivation, rules)
                finally:
                    found.autograd, found.printed = list(derivation.autograd), derivation.printed()
        except (UsersCodeError, TypeError, ValueError) as error:
            found.error = str(error)
    found.seconds = time.perf_counter() - began
    return found


def _judge(found: Graded, derivation: IsolatedDerivation, rules: Rules) -> None:
    for number, point in enumerate(rules.points):
        data = (point.parameters, point.inputs, point.observed)
        task = lesson_task(derivation, *data, rules.wrt, SOFTPLUS_THRESHOLD)
        report = examine(task) if number == 0 else examine_here(task, draws=0)
        if number and not report.agrees:
            report = examine(task)
        _note(found, report, rules.names)
        if not report.agrees:
            first = report.first_wrong
            found.where, found.text = point.title, str(report)
            found.first_wrong = first.name if first else ""
            found.diagnosis = first.diagnosis.kind if first and first.diagnosis else _verdict(report)
            return
        found.text = str(report)


def _note(found: Graded, report: Report, names: Sequence[str]) -> None:
    """A name is right where it agrees, or is right given its upstream gradient: a mistake is counted once."""
    here = {finding.name: finding.agrees or finding.inherited for finding in report.findings}
    for name in names:
        found.right[name] = found.right.get(name, True) and here.get(name, False)


def _verdict(report: Report) -> str:
    return next((finding.row.verdict.value for finding in report.findings if not finding.agrees), "")
