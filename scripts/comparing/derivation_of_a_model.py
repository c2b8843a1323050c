"""compare_gradients.py --derivation --model: a derivation for a network of the user's own."""

from support.ending import UsersCodeError

import argparse
import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch

from comparing.derivation_option import isolated
from comparing.derivation_report import located, status_of, tell
from isolation import blame
from isolation.derivation import IsolatedDerivation
from support.options import DTYPES, device
from torch_reference.check.derivation import examined
from torch_reference.check.shell.naming import NamedModel, named_model
from torch_reference.counterexample.network import script, shrunk, write
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.network_task import network_task
from torch_reference.judging.report import Report


def compare_with_model(options: argparse.Namespace) -> int:
    """Check the derivation, print the report, and give the exit status."""
    with isolated(options) as derivation:  # first: a module that hangs while it is imported hangs there
        with contextlib.redirect_stdout(sys.stderr):  # what the model prints is no report
            report, task = _examined(derivation, options)
        tell(report, derivation, options)
        if options.counterexample and task and not report.agrees:
            path = Path(options.counterexample)
            write(path, script(shrunk(task), options.model, options.derivation, options.loss or ""))
            print(f"a small counterexample is in {path}", file=sys.stderr)
        return status_of(report, derivation, options)


def _examined(derivation: IsolatedDerivation, options: argparse.Namespace) -> tuple[Report, Task | None]:
    try:
        given = _placed(named_model(options), options)
    except UserCodeError as error:
        told = blame.of_exception(error.__cause__ or error)
        raise UsersCodeError(f"{error.part}: {told}") from None
    try:
        report, task = examined(partial(network_task, *given, derivation), given.model)
    except TypeError as error:
        raise UsersCodeError(f"{options.derivation}: {error}") from None
    return (located(report, task, *given, options) if task else report), task


def _placed(given: NamedModel, options: argparse.Namespace) -> NamedModel:
    """The model and its data on the device and in the dtype; classes and indices keep their type."""
    where, dtype = device(options.device), DTYPES[options.dtype]

    def placed(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(where, dtype) if value.is_floating_point() else value.to(where)
        return tuple(map(placed, value)) if isinstance(value, tuple | list) else value

    return NamedModel(given.model.to(where, dtype), given.loss, placed(given.inputs), placed(given.targets))
