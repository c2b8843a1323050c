"""The check from a shell: python -m torch_reference package.module:function --reference NAME --inputs NAME.

Exit status 0 for agreement, 1 for a mismatch, 2 for a mistake in the options, 3 where the user's code failed.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence

from torch_reference.check.around.no_way_out import no_way_out
from torch_reference.check.derivation import check_derivation
from torch_reference.check.function import check_function
from torch_reference.check.shell.naming import loaded, made, named_model
from torch_reference.check.shell.options import NAMES, add_model_options, add_report_options
from torch_reference.check.shell.told_report import BAD_INPUT, INTERRUPTED, USERS_CODE, status_of, tell
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.report import Report


def main(argv: Sequence[str] | None = None) -> int:
    """Check what the options name, print the report, and give the exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    _check_options(parser, options)
    try:
        # What the user's code prints is no report, and it has no way out but one.
        with contextlib.redirect_stdout(sys.stderr), no_way_out():
            report = _function(options) if options.function else _derivation(options)
    except UserCodeError as error:
        return _end(options, f"{error.part}: {error}", USERS_CODE)
    except (ValueError, TypeError) as error:
        return _end(options, str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _end(options, "interrupted", INTERRUPTED)
    tell(report, options)
    return status_of(report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m torch_reference",
        description=f"Compare a backward, or a derivation, with autograd; {NAMES}.",
    )
    function = parser.add_argument_group("a function")
    function.add_argument("function", nargs="?", metavar="NAME", help="a Function, a callable or a pair")
    function.add_argument("--reference", metavar="NAME", help="plain torch; by default its own forward")
    function.add_argument(
        "--inputs",
        metavar="NAME",
        help="makes the tuple of inputs, or a dict of them by keyword; beside --model, as --examples",
    )
    add_model_options(parser.add_argument_group("a derivation"))
    add_report_options(parser)
    return parser


def _check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the program with one line where an option does not apply: none is ignored."""
    if bool(options.function) == bool(options.derivation):
        parser.error("expected a function, or --derivation with --model")
    of_the_other = ("model", "loss", "examples") if options.function else ("reference",)
    for name in of_the_other:
        if getattr(options, name):
            parser.error(f"--{name}: it is of a {'derivation' if options.function else 'function'}")
    if options.derivation and not options.model:
        parser.error("--model: expected it beside --derivation, found none")
    if options.derivation and options.inputs and options.examples:
        parser.error("--inputs: expected one of --inputs and --examples")


def _function(options: argparse.Namespace) -> Report:
    if not options.inputs:
        raise ValueError("--inputs: expected it beside a function, found none")
    function = loaded("function", options.function)
    reference = loaded("--reference", options.reference) if options.reference else None
    inputs = made("--inputs", options.inputs)
    if isinstance(inputs, dict) and all(isinstance(key, str) for key in inputs):
        return check_function(function, reference, **inputs)
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    return check_function(function, reference, *given)


def _derivation(options: argparse.Namespace) -> Report:
    options.examples = options.examples or options.inputs
    derivation = loaded("--derivation", options.derivation)
    return check_derivation(*named_model(options), derivation)


def _end(options: argparse.Namespace, line: str, status: int) -> int:
    if options.json:
        print(json.dumps({"error": line, "status": status}))
    print(f"error: {line}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
