"""The options that several programs share."""

import argparse
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from manual_backprop import LESSON_WRT, PARAMETERS
from manual_backprop.checks import check_names
from reading.cells import is_number
from reading.columns import add_column_options

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose data, parameters, precision and device."""
    parser.add_argument("--data", metavar="FILE.csv", help="a header and columns of numbers, in any encoding")
    add_column_options(parser)
    add_parameter_options(parser)
    parser.add_argument("--dtype", choices=DTYPES, default="float64", help="(default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="such as cpu or cuda (default: %(default)s)")


def add_parameter_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the parameters to derive by, and set their values."""
    parser.add_argument(
        "--wrt", default=LESSON_WRT, type=wrt, metavar="NAMES", help="such as w3,w4,b3 (the default), or all"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        metavar="w3=0.36",
        help="a parameter; repeatable",
    )


def wrt(text: str) -> tuple[str, ...]:
    """The names of --wrt: a comma-separated list, or all."""
    names = PARAMETERS if text == "all" else tuple(text.split(","))
    try:
        check_names(names, PARAMETERS)
    except ValueError as error:
        also = ", or all" if set(names) - set(PARAMETERS) else ""
        raise argparse.ArgumentTypeError(f"{error}{also}") from None
    return names


def assignment(text: str) -> tuple[str, float]:
    """One --set: name=number."""
    name, equals, number = text.partition("=")
    try:
        check_names([name], PARAMETERS)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    value = float(number) if equals and is_number(number) else math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a finite number as in w3=0.36, found {text!r}")
    return name, value


def device(name: str) -> torch.device:
    """The device of that name, or a ValueError where this machine has none."""
    try:
        found = torch.device(name)
        torch.zeros(1, device=found).item()  # the meta device makes tensors, and cannot read them
    except (RuntimeError, AssertionError):  # torch without CUDA asserts, torch with CUDA raises
        raise ValueError(f"--device: this machine has no device {name!r} that torch can use") from None
    return found


def to_tensor(values: Sequence[float], options: argparse.Namespace, where: str) -> Tensor:
    """A tensor of the chosen dtype on the chosen device; a number that overflows the dtype is an error."""
    tensor = torch.tensor(values, dtype=DTYPES[options.dtype])
    for value, converted in zip(values, tensor.tolist(), strict=True):
        if math.isinf(converted):
            raise ValueError(f"{where}: {value!r} overflows {options.dtype}")
    return tensor.to(device(options.device))
