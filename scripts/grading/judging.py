"""One submission, judged at every point: what is right at all of them, and what is known of the mistakes."""

from support.ending import UsersCodeError

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import manual_backprop
from comparing.lesson_task import lesson_task
from grading.secret_points import LessonPoint
from grading.submissions import Submission
from isolation.derivation import IsolatedDerivation
from isolation.nursery import Nursery
from manual_backprop import LESSON_WRT, lesson
from reading.plain_lines import one_line
from torch_reference.check.examine import examine, examine_here
from torch_reference.comparison import Verdict
from torch_reference.judging.calls import as_tensors
from torch_reference.judging.report import Report
from torch_reference.lesson.network import SOFTPLUS_THRESHOLD

MEMORISED = "memorised"
"""The diagnosis of numbers that are the same for every network."""


@dataclass
class Graded:
    """What is known of one submission."""

    student: str
    right: dict[str, bool] = field(default_factory=dict)
    first_wrong: str = ""
    diagnosis: str = ""
    error: str = ""
    where: str = ""
    changed: list[str] = field(default_factory=list)
    autograd: list[str] = field(default_factory=list)
    seconds: float = 0.0
    text: str = ""
    printed: str = ""
    points: float = 0.0

    def wrong(self, names: Sequence[str]) -> list[str]:
        """The names among these that are not right, and the inputs that were changed."""
        return [*self.changed, *(name for name in names if not self.right.get(name, False))]


@dataclass(frozen=True)
class Rules:
    """What is asked of every submission."""

    points: Sequence[LessonPoint]
    wrt: Sequence[str]
    names: Sequence[str]
    seconds: float
    memory: int


def warm_up() -> None:
    """Judge a wrong derivation here, so that the judges, which are forks of this process, find all imported.

    What torch and the diagnosis import at their first use takes ten times as long as to judge a submission.
    """

    def wrong(parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> dict[str, Tensor]:
        right = manual_backprop.gradients(parameters, inputs, observed, wrt=LESSON_WRT)
        return {name: -value for name, value in right.items()}

    examine(lesson_task(wrong, lesson.start(), *lesson.data(), LESSON_WRT, SOFTPLUS_THRESHOLD))


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
                    found.seconds = derivation.seconds
        except (UsersCodeError, TypeError, ValueError) as error:
            found.error = _told(error, submission)
            found.printed = found.printed or getattr(error, "printed", "")
    found.seconds = found.seconds or time.perf_counter() - began  # it ended while it was imported
    return found


def _told(error: Exception, submission: Submission) -> str:
    """The error without the class's folder, and without what a terminal would take for a command."""
    return one_line(str(error).replace(f"{Path(submission.derivation.module).parent}/", ""))


def _judge(found: Graded, derivation: IsolatedDerivation, rules: Rules) -> None:
    for number, point in enumerate(rules.points):
        data = (point.parameters, point.inputs, point.observed)
        task = lesson_task(derivation, *data, rules.wrt, SOFTPLUS_THRESHOLD)
        report = examine(task) if number == 0 else examine_here(task, draws=0)
        if number and not report.agrees:
            report = examine(task)
        _note(found, report, rules)
        if not report.agrees:
            first = report.first_wrong
            found.where, found.text = point.title, str(report)
            found.first_wrong = first.name if first else ""
            found.diagnosis = first.diagnosis.kind if first and first.diagnosis else _verdict(report)
            if len(rules.points) > 1 and _is_memorised(derivation, rules.points[:2]):
                found.diagnosis = MEMORISED
            return
        found.text = str(report)


def _note(found: Graded, report: Report, rules: Rules) -> None:
    """A name is right where it agrees at every point.

    Where links are worth points as well, one that is right given its upstream gradient is right, too: the
    mistake is counted once, at the link where it was made.
    """
    once = any(name not in rules.wrt for name in rules.names)
    here = {one.name: one.agrees or (once and one.inherited) for one in report.findings}
    for name in rules.names:
        found.right[name] = found.right.get(name, True) and here.get(name, False)
    found.changed = [one.name for one in report.findings if one.row.verdict is Verdict.MUTATED]


def _is_memorised(derivation: IsolatedDerivation, points: Sequence[LessonPoint]) -> bool:
    """Whether it returns the same numbers at two networks that have nothing in common."""
    first, second = (
        as_tensors(derivation(point.parameters, point.inputs, point.observed), point.parameters, point.inputs)
        for point in points
    )
    return bool(first) and all(name in second and torch.equal(first[name], second[name]) for name in first)


def _verdict(report: Report) -> str:
    return next((finding.row.verdict.value for finding in report.findings if not finding.agrees), "")
