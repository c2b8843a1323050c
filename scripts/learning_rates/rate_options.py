"""The options of learning_rate.py."""

from support.ending import Parser

import argparse
import math
from collections.abc import Sequence

from manual_backprop import LESSON_WRT
from support.options import add_network_options


def parse(argv: Sequence[str] | None, description: str | None) -> argparse.Namespace:
    """The options, or one line on standard error and exit status 2."""
    parser = Parser(prog="learning_rate.py", description=description)
    add_network_options(parser)
    parser.add_argument(
        "--learning-rates", type=rates, metavar="RATES", help="(default: 0.01,0.1, and five for --plot)"
    )
    parser.add_argument("--ssr", type=float, default=0.001, help="the SSR to reach (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--plot", metavar="DIR", help="write learning_rates.png there; needs matplotlib")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    perceptron = parser.add_argument_group("another network, by power iteration")
    perceptron.add_argument("--hidden", type=widths, metavar="8,8", help="the widths of its hidden layers")
    perceptron.add_argument("--activation", default="softplus", help="(default: %(default)s)")
    perceptron.add_argument("--seed", type=int, default=0, help="of its parameters (default: %(default)s)")
    options = parser.parse_args(argv)
    if not 0 <= options.ssr < math.inf:
        parser.error(f"--ssr: expected a number of at least 0, found {options.ssr}")
    if not 0 <= options.steps <= 10**9:
        parser.error(f"--steps: expected a whole number from 0 to a billion, found {options.steps}")
    if not 0 <= options.seed < 2**63:
        parser.error(f"--seed: expected 0 or more, below 2**63, found {options.seed}")
    if options.hidden and (options.set or options.plot or options.wrt != LESSON_WRT):
        parser.error(
            "--hidden: expected no --set, --wrt or --plot beside it, which are the lesson's network's"
        )
    return options


def rates(text: str) -> tuple[float, ...]:
    """The learning rates of --learning-rates: positive numbers with commas between."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < rate < math.inf for rate in found):
        raise argparse.ArgumentTypeError(f"expected numbers above 0 as in 0.01,0.1, found {text!r}")
    return found


def widths(text: str) -> tuple[int, ...]:
    """The widths of --hidden: whole numbers with commas between."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= 4096 for part in parts):
        raise argparse.ArgumentTypeError(f"expected whole numbers from 1 to 4096 as in 8,8, found {text!r}")
    return tuple(int(part) for part in parts)
