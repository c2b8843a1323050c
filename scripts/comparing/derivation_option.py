"""compare_gradients.py --derivation: the check of a derivation of the user's own."""

import argparse
import inspect
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from support.atomic_files import check_file
from support.ending import AGREEMENT, MISMATCH
from support.options import DTYPES, device
from torch_reference.check.derivation import network_task
from torch_reference.check.examine import examine
from torch_reference.counterexample.network import script, shrunk, write


def add_derivation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a derivation and what it is derived from."""
    group = parser.add_argument_group("a derivation of your own (each NAME is package.module:attribute)")
    group.add_argument("--derivation", metavar="NAME", help="a function (parameters, inputs, targets)")
    group.add_argument("--model", metavar="NAME", help="makes the module, or (module, loss, inputs, targets)")
    group.add_argument(
        "--loss", metavar="NAME", help="a function (output, targets), if the model brings none"
    )
    group.add_argument("--inputs", metavar="NAME", help="makes (inputs, targets), if the model brings none")
    group.add_argument("--counterexample", metavar="FILE.py", help="write a small failing case as a script")


def compare_derivation(options: argparse.Namespace) -> int:
    """Check the derivation, print the report, and give the exit status."""
    derivation = load("--derivation", options.derivation)
    if not options.model:
        raise ValueError("--derivation: expected --model package.module:factory as well, found none")
    if options.counterexample:
        check_file(Path(options.counterexample), f"--counterexample {options.counterexample}")
    model, loss, inputs, targets = _made(options)
    _check_signature(options.derivation, derivation)
    where, dtype = device(options.device), DTYPES[options.dtype]
    inputs, targets = (_placed(value, where, dtype) for value in (inputs, targets))
    task = network_task(model.to(where, dtype), loss, inputs, targets, derivation)
    try:
        report = examine(task)
    except TypeError as error:
        raise ValueError(f"{options.derivation}: {error}") from None
    print(json.dumps(report.to_dict(), indent=2, allow_nan=False) if options.json else report)
    if options.counterexample and not report.agrees:
        path = Path(options.counterexample)
        write(path, script(shrunk(task), options.model, options.derivation, options.loss or ""))
        print(f"a small counterexample is in {path}", file=sys.stderr)
    return AGREEMENT if report.agrees else MISMATCH


def load(option: str, name: str) -> Any:
    """What a name such as package.module:attribute stands for; ValueError in one line where it fails."""
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise ValueError(f"{option}: expected package.module:attribute, found {name!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")  # a module in the folder from which the script is run
    try:
        module = import_module(module_name)
    except Exception as error:  # a module of the user's may fail in any way while it is imported
        raise ValueError(f"{option}: cannot import {module_name}: {type(error).__name__}: {error}") from None
    if not hasattr(module, attribute):
        raise ValueError(f"{option}: module {module_name} has no attribute {attribute!r}")
    return getattr(module, attribute)


def _made(options: argparse.Namespace) -> tuple[nn.Module, Callable[..., Any], Any, Any]:
    factory = load("--model", options.model)
    made = factory if isinstance(factory, nn.Module) else _call("--model", options.model, factory)
    model, *rest = made if isinstance(made, tuple) else (made,)
    if not isinstance(model, nn.Module):
        raise ValueError(  # noqa: TRY004 - what ends a script in one line is a ValueError
            f"--model: expected {options.model} to make a torch.nn.Module, found {type(model).__name__}"
        )
    loss = load("--loss", options.loss) if options.loss else (rest[0] if rest else None)
    if loss is None:
        raise ValueError("--loss: expected a name, or a --model that makes (module, loss, inputs, targets)")
    if options.inputs:
        data = _call("--inputs", options.inputs, load("--inputs", options.inputs))
    else:
        data = tuple(rest[1:])
    if not isinstance(data, tuple) or len(data) != 2:
        raise ValueError("--inputs: expected (inputs, targets), from --inputs or as the model's last two")
    return model, loss, *data


def _call(option: str, name: str, factory: Callable[[], Any]) -> Any:
    try:
        return factory()
    except Exception as error:  # the factory is the user's
        raise ValueError(f"{option}: {name}() failed: {type(error).__name__}: {error}") from None


def _check_signature(name: str, derivation: Any) -> None:
    if not callable(derivation):
        raise ValueError(  # noqa: TRY004 - as above
            f"--derivation: expected {name} to be a function, found {type(derivation).__name__}"
        )
    try:
        inspect.signature(derivation).bind({}, None, None)
    except TypeError as error:
        raise ValueError(
            f"--derivation: expected {name} to take (parameters, inputs, targets): {error}"
        ) from None


def _placed(value: Any, where: torch.device, dtype: torch.dtype) -> Any:
    """A tensor, or several, on the device and in the dtype; classes and indices keep their type."""
    if isinstance(value, torch.Tensor):
        return value.to(where, dtype) if value.is_floating_point() else value.to(where)
    if isinstance(value, (tuple, list)):
        return tuple(_placed(item, where, dtype) for item in value)
    return value
