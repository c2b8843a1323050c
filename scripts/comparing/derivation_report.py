"""What compare_gradients.py says of a derivation of the user's own: the report, and who asked autograd."""

import argparse
import contextlib
import sys
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from comparing.derivation_prints import tell_printed
from isolation.derivation import IsolatedDerivation
from torch_reference.check.derivation import with_places
from torch_reference.check.shell import told_report
from torch_reference.check.shell.naming import loaded
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.report import Report


def tell(report: Report, derivation: IsolatedDerivation, options: argparse.Namespace, **more: Any) -> None:
    """Print the report, and to standard error what the derivation has printed."""
    tell_printed(derivation.printed(), options.derivation)
    asked = list(derivation.autograd)
    refused = bool(asked and options.no_autograd)
    notes = not (options.json or (options.fix and not report.agrees))
    if refused and notes:
        print("REFUSED (--no-autograd): it asks for derivatives instead of deriving them")
    told_report.tell(report, options, autograd=asked, **more, **({"agree": False} if refused else {}))
    for note in asked if notes else ():
        print(f"it asks for derivatives instead of deriving them: {note}")


def status_of(report: Report, derivation: IsolatedDerivation, options: argparse.Namespace) -> int:
    """The report's; a mismatch also where autograd was refused and asked nevertheless."""
    refused = report.agrees and options.no_autograd and derivation.autograd
    return told_report.MISMATCH if refused else told_report.status_of(report)


def located(
    report: Report,
    task: Task,
    model: nn.Module,
    loss: Callable[..., Any],
    inputs: Any,
    targets: Tensor | None,
    options: argparse.Namespace,
) -> Report:
    """The report with its wrong lines and the edit.

    They are found by running it line by line in this process: it has just ended in one of its own, in time.
    """
    if report.agrees or report.user_code_failed:
        return report
    try:
        with contextlib.redirect_stdout(sys.stderr):
            derivation = loaded("--derivation", options.derivation)
            return with_places(report, task, model, loss, inputs, targets, derivation)
    except (UserCodeError, ValueError):  # it is another one here: nothing is known of its lines
        return report
