"""The check from a shell: python -m torch_reference package.module:function --reference NAME --inputs NAME.

Exit status 0 for agreement, 1 for a mismatch, 2 for a mistake in the options, 3 where the user's code failed.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from operator import attrgetter
from typing import Any

from torch import nn

from torch_reference.check.derivation import check_derivation
from torch_reference.check.function import check_function
from torch_reference.judging.calls.raised_errors import UserCodeError, user_code
from torch_reference.judging.report import Report

AGREEMENT, MISMATCH, BAD_INPUT, USERS_CODE = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Check what the options name, print the report, and give the exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    if bool(options.function) == bool(options.derivation):
        parser.error("expected a function, or --derivation with --model")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what the user's code prints is no report
            report = _function(options) if options.function else _derivation(options)
    except UserCodeError as error:
        return _end(options, f"{error.part}: {error}", USERS_CODE)
    except (ValueError, TypeError) as error:
        return _end(options, str(error), BAD_INPUT)
    if options.plot:
        try:
            report.draw(options.plot)
        except (ValueError, ImportError, OSError) as error:
            print(f"--plot: {error}", file=sys.stderr)
    if options.fix and not report.agrees:
        print(report.fix, end="")
        print("" if report.fix else "no single edit is known that makes it right", file=sys.stderr)
    else:
        print(json.dumps(report.to_dict(), indent=2, allow_nan=False) if options.json else report)
    if report.agrees:
        return AGREEMENT
    return USERS_CODE if report.user_code_failed else MISMATCH


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m torch_reference",
        description="Compare a backward, or a derivation, with autograd; NAME is package.module:attribute.",
    )
    parser.add_argument("function", nargs="?", metavar="NAME", help="a Function, a callable or a pair")
    parser.add_argument("--reference", metavar="NAME", help="plain torch; by default its own forward")
    parser.add_argument(
        "--inputs", metavar="NAME", help="makes the tuple of inputs; (inputs, targets) of a model"
    )
    parser.add_argument("--derivation", metavar="NAME", help="a function (parameters, inputs, targets)")
    parser.add_argument("--model", metavar="NAME", help="makes module, or (module, loss, inputs, targets)")
    parser.add_argument("--loss", metavar="NAME", help="a function (output, targets)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the chain where a gradient is wrong")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--fix", action="store_true", help="print the edit alone, for git apply")
    return parser


def _function(options: argparse.Namespace) -> Report:
    if not options.inputs:
        raise ValueError("expected --inputs beside a function")
    function = loaded(options.function)
    reference = loaded(options.reference) if options.reference else None
    inputs = _made(options.inputs)
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    return check_function(function, reference, *given)


def _derivation(options: argparse.Namespace) -> Report:
    if not options.model:
        raise ValueError("expected --model beside --derivation")
    derivation, made = loaded(options.derivation), _made(options.model)
    model, *rest = made if isinstance(made, tuple) else (made,)
    loss = loaded(options.loss) if options.loss else next(iter(rest), None)
    data = _made(options.inputs) if options.inputs else tuple(rest[1:])
    if not isinstance(model, nn.Module):
        raise ValueError(f"--model: expected a torch.nn.Module, found {type(model).__name__}")  # noqa: TRY004
    if loss is None or not isinstance(data, tuple) or len(data) != 2:
        raise ValueError("expected a loss and (inputs, targets): from --loss, --inputs or --model")
    return check_derivation(model, loss, *data, derivation)


def loaded(name: str) -> Any:
    """What package.module:attribute stands for.

    Errors: ValueError where it stands for nothing, UserCodeError for what the module raises

    >>> loaded("math:pi")
    3.141592653589793
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise ValueError(f"expected package.module:attribute, found {name!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")  # a module in the folder from which it is run
    try:
        with user_code(name):
            module = import_module(module_name)
    except UserCodeError as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            told = f"cannot import {module_name}: {error.__cause__}"
            raise ValueError(told) from None  # noqa: TRY004 - a mistake in the options
        raise
    try:
        return attrgetter(attribute)(module)
    except AttributeError:
        raise ValueError(f"module {module_name} has no attribute {attribute!r}") from None


def _made(name: str) -> Any:
    """What a factory makes; anything else stands for itself."""
    found = loaded(name)
    if isinstance(found, nn.Module) or not callable(found):
        return found
    with user_code(name):
        return found()


def _end(options: argparse.Namespace, line: str, status: int) -> int:
    if options.json:
        print(json.dumps({"error": line, "status": status}))
    print(f"error: {line}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
