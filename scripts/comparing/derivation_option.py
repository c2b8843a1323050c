"""compare_gradients.py --derivation: the options of a derivation of the user's own, and which go together."""

from support.ending import UsersCodeError

import argparse
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from comparing.derivation_prints import tell_printed
from isolation.autograd_watch import ANSWERS, DIFFERENTIATING
from isolation.derivation import IsolatedDerivation
from isolation.named import parse
from isolation.nursery import Nursery
from support.atomic_files import check_file
from torch_reference.check.shell.options import NAMES, add_model_options

LARGEST = 1e6
"""Seconds, or GiB: more is a slip, and beyond what the system can be told."""
OF_THE_DATA = ("data", "inputs", "outputs")
OF_THE_LESSON = (
    *OF_THE_DATA,
    "set",
    "wrt",
    "random",
    "links",
    "explain",
    "softplus_threshold",
)
"""What a network of the user's own brings by itself, or has not."""
OF_A_MODEL = ("loss", "examples")
OF_A_DERIVATION = ("model", "loss", "examples", "counterexample", "timeout", "memory", "no_autograd")
OF_A_DERIVATION += ("fix", "plot")


def add_derivation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a derivation and what it is derived from."""
    group = parser.add_argument_group(f"a derivation of your own ({NAMES})")
    add_model_options(group, "; without it, the lesson's network")
    group.add_argument("--counterexample", metavar="FILE.py", help="write a small failing case as a script")
    add_isolation_options(group, seconds=60.0, memory=_half_of_the_memory())


def add_isolation_options(group: argparse._ActionsContainer, seconds: float, memory: float) -> None:
    """Add what a derivation in a process of its own may do."""
    group.add_argument("--no-autograd", action="store_true", help="refuse a derivation that asks autograd")
    group.add_argument(
        "--timeout",
        type=_positive,
        default=seconds,
        metavar="S",
        help="seconds for all calls of a derivation (default: %(default)g)",
    )
    group.add_argument(
        "--memory",
        type=_positive,
        default=memory,
        metavar="GIB",
        help="that a derivation may take (default: %(default)g)",
    )


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the program with one line where an option does not apply: none is ignored."""
    given = {name for name, value in vars(options).items() if value != parser.get_default(name)}
    if not options.derivation:
        _refuse(parser, given, OF_A_DERIVATION, "--derivation: expected it beside {option}, found none")
    elif options.model:
        _refuse(parser, given, OF_THE_LESSON, "{option}: it is the lesson's network's, not one of --model")
    else:
        _refuse(parser, given, OF_A_MODEL, "--model: expected it beside {option}, found none")
    if options.derivation:
        _refuse(parser, given, ["truth"], "{option}: the report on --derivation says who is wrong by itself")
    if options.counterexample and options.random is not None:
        parser.error("--counterexample: expected no --random beside it")
    for name in ("counterexample", "plot"):
        if file := getattr(options, name):
            check_file(Path(file), f"--{name} {file}")


@contextmanager
def isolated(options: argparse.Namespace) -> Iterator[IsolatedDerivation]:
    """The derivation that the options name, in a process of its own."""
    named = parse("--derivation", options.derivation)
    # CUDA reserves addresses beyond any limit.
    memory = int(options.memory * 2**30) if options.device == "cpu" else 0
    packages = DIFFERENTIATING if options.model else (*DIFFERENTIATING, *ANSWERS)
    with ExitStack() as stack:
        try:
            nursery = stack.enter_context(Nursery())
            derivation = IsolatedDerivation(
                nursery, named, seconds=options.timeout, memory=memory, packages=packages
            )
        except ValueError as error:
            raise ValueError(f"--derivation: {error}") from None
        except UsersCodeError as error:
            tell_printed(error.printed, options.derivation)
            raise
        stack.enter_context(derivation)
        try:
            yield derivation
        except UsersCodeError:
            tell_printed(derivation.printed(), options.derivation)
            raise


def _refuse(parser: argparse.ArgumentParser, given: set[str], names: Sequence[str], message: str) -> None:
    for name in names:
        if name in given:
            parser.error(message.format(option=f"--{name.replace('_', '-')}"))


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LARGEST:
        raise argparse.ArgumentTypeError(f"expected a number above 0 and at most {LARGEST:g}, found {text!r}")
    return value


def _half_of_the_memory() -> float:
    """In GiB: a derivation that takes more may stop the machine."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**31, 1)
    except (AttributeError, ValueError, OSError):
        return 4.0
