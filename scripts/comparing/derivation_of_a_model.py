"""compare_gradients.py --derivation --model: a derivation for a network of the user's own."""

from support.ending import UsersCodeError

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from comparing.derivation_option import isolated
from comparing.derivation_report import status_of, tell
from isolation import blame
from isolation.derivation import IsolatedDerivation
from isolation.named import NotThereError, load, parse
from support.options import DTYPES, device
from torch_reference.check.derivation import network_task
from torch_reference.check.examine import examine
from torch_reference.counterexample.network import script, shrunk, write
from torch_reference.judging.derivation_task import Task


def compare_with_model(options: argparse.Namespace) -> int:
    """Check the derivation, print the report, and give the exit status."""
    with isolated(options) as derivation:  # first: a module that hangs while it is imported hangs there
        with contextlib.redirect_stdout(sys.stderr):  # what the model prints is no report
            task = _task(derivation, options)
            try:
                report = examine(task)
            except TypeError as error:
                raise ValueError(f"{options.derivation}: {error}") from None
        tell(report, derivation, options)
        if options.counterexample and not report.agrees:
            path = Path(options.counterexample)
            write(path, script(shrunk(task), options.model, options.derivation, options.loss or ""))
            print(f"a small counterexample is in {path}", file=sys.stderr)
        return status_of(report, derivation, options)


def _task(derivation: IsolatedDerivation, options: argparse.Namespace) -> Task:
    model, loss, inputs, targets = _made(options)
    where, dtype = device(options.device), DTYPES[options.dtype]
    inputs, targets = (_placed(value, where, dtype) for value in (inputs, targets))
    return network_task(model.to(where, dtype), loss, inputs, targets, derivation)


def _loaded(option: str, name: str) -> Any:
    """What a name stands for: ValueError where that is nothing, UsersCodeError where its module fails."""
    try:
        return load(parse(option, name))
    except NotThereError as error:
        raise ValueError(f"{option}: {error}") from None
    except (
        Exception,
        SystemExit,
    ) as error:  # a module of the user's may fail in any way while it is imported
        if isinstance(error, ValueError) and str(error).startswith(option):
            raise
        raise UsersCodeError(f"{option}: {blame.of_exception(error)}") from None


def _made(options: argparse.Namespace) -> tuple[nn.Module, Callable[..., Any], Any, Any]:
    factory = _loaded("--model", options.model)
    made = factory if isinstance(factory, nn.Module) else _call("--model", options.model, factory)
    model, *rest = made if isinstance(made, tuple) else (made,)
    if not isinstance(model, nn.Module):
        raise ValueError(  # noqa: TRY004 - what ends a script in one line is a ValueError
            f"--model: expected {options.model} to make a torch.nn.Module, found {type(model).__name__}"
        )
    loss = _loaded("--loss", options.loss) if options.loss else (rest[0] if rest else None)
    if loss is None:
        raise ValueError("--loss: expected a name, or a --model that makes (module, loss, inputs, targets)")
    if options.examples:
        data = _call("--examples", options.examples, _loaded("--examples", options.examples))
    else:
        data = tuple(rest[1:])
    if not isinstance(data, tuple) or len(data) != 2:
        raise ValueError("--examples: expected (inputs, targets), from --examples or as the model's last two")
    return model, loss, *data


def _call(option: str, name: str, factory: Callable[[], Any]) -> Any:
    try:
        return factory()
    except (Exception, SystemExit) as error:  # the factory is the user's
        raise UsersCodeError(f"{option}: {name}() failed: {blame.of_exception(error)}") from None


def _placed(value: Any, where: torch.device, dtype: torch.dtype) -> Any:
    """A tensor, or several, on the device and in the dtype; classes and indices keep their type."""
    if isinstance(value, torch.Tensor):
        return value.to(where, dtype) if value.is_floating_point() else value.to(where)
    if isinstance(value, (tuple, list)):
        return tuple(_placed(item, where, dtype) for item in value)
    return value
