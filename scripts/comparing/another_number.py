"""A derivation that agrees is tried with one observation more: a loop over three agrees at three only."""

from support.ending import UsersCodeError

import argparse

import torch

from comparing.lesson_task import lesson_task
from comparing.textbook_form import is_beyond
from isolation.derivation import IsolatedDerivation
from manual_backprop import PARAMETERS
from torch_reference.check.examine import examine_here
from torch_reference.judging.derivation_task import Task


def remark(task: Task, derivation: IsolatedDerivation, options: argparse.Namespace) -> str:
    """What is said of a number of observations that is written in the derivation; empty where none is."""
    inputs, observed = task.point["inputs"], task.point["targets"]
    # One that lies beside the others, so that it counts.
    more_inputs = torch.cat([inputs, inputs.mean()[None] + 0.3])
    more_observed = torch.cat([observed, observed.mean()[None] - 1.7])
    parameters = {name: task.point[name] for name in PARAMETERS}
    larger = lesson_task(
        derivation, parameters, more_inputs, more_observed, options.wrt, options.softplus_threshold
    )
    n = len(inputs)
    try:
        agrees = examine_here(larger, draws=0).agrees
        if agrees or is_beyond(larger, options.wrt, options.softplus_threshold):
            return ""
    except (UsersCodeError, TypeError) as error:
        return f"with {n + 1} observations instead of {n} it fails: {error}"
    where = f"with {n + 1} observations instead of {n}"
    return f"{where} it is wrong: is the number written in it, as in range({n})?"
