"""The options of train.py that choose a perceptron, its data and its training."""

from support.ending import Parser

import argparse
from collections.abc import Sequence
from itertools import pairwise

from manual_backprop import ACTIVATIONS, LAYERS, LOSSES, OPTIMISERS
from manual_backprop.checks import check_choice
from support.options import DTYPES
from training.named import NAMED

OWN = ("--hidden", "--class")
COLUMNS = ("--inputs", "--outputs")
"""Who gives one of OWN, several columns, or a data set's name wants a perceptron."""


def wants_perceptron(argv: Sequence[str]) -> bool:
    """Whether the options are those of a perceptron."""
    options = [option.partition("=")[0] for option in argv]
    given = [(option, value) for option, value in pairwise(argv)]
    given += [(name, value) for name, _, value in (option.partition("=") for option in argv)]
    are_several = any(name in COLUMNS and "," in value for name, value in given)
    is_named = any(name == "--data" and value in NAMED for name, value in given)
    return any(option in OWN for option in options) or are_several or is_named


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options, checked as far as they can be without the data."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.resume and not options.checkpoint:
        parser.error("--resume: expected --checkpoint FILE as well, found none")
    if options.patience is not None and not options.validation:
        parser.error("--patience: expected a --validation share above 0, found 0")
    if options.momentum and options.optimiser != "gradient_descent":
        parser.error(f"--momentum: expected --optimiser gradient_descent, found {options.optimiser}")
    return options


def perceptron_options() -> list[str]:
    """The names of all options of a perceptron."""
    return list(_parser()._option_string_actions)


def _parser() -> Parser:
    parser = Parser(prog="train.py", description="Train a perceptron by hand and by torch, in lockstep.")
    _add_data(parser)
    _add_network(parser)
    _add_training(parser)
    _add_outputs(parser)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    group.add_argument("--data", required=True, metavar="FILE.csv", help=f"or one of {', '.join(NAMED)}")
    group.add_argument("--inputs", type=_names, metavar="A,B", help="columns (default: all the others)")
    target = group.add_mutually_exclusive_group()
    target.add_argument("--outputs", type=_names, metavar="Y,Z", help="columns (default: the last one)")
    target.add_argument("--class", dest="class_column", metavar="NAME", help="a column of classes")
    group.add_argument(
        "--standardise", action="store_true", help="each column to mean 0 and standard deviation 1"
    )
    group.add_argument("--validation", type=_share, default=0.1, metavar="SHARE", help="(default: 0.1)")
    group.add_argument("--test", type=_share, default=0.2, metavar="SHARE", help="(default: 0.2)")


def _add_network(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    hidden = group.add_argument(
        "--hidden", type=_widths, default=(16,), metavar="N,N", help="widths (default: 16)"
    )
    hidden.may_be_empty = True  # type: ignore[attr-defined] # no hidden layer
    group.add_argument(
        "--activation",
        type=_known("activation", ACTIVATIONS),
        default="relu",
        metavar="NAME",
        help=f"{', '.join(ACTIVATIONS)} (default: %(default)s)",
    )
    group.add_argument("--dtype", choices=DTYPES, default="float64", help="(default: %(default)s)")
    group.add_argument("--device", default="cpu", help="such as cpu or cuda (default: %(default)s)")


def _add_training(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")
    group.add_argument(
        "--loss",
        type=_known("loss", LOSSES),
        metavar="NAME",
        help=f"{', '.join(LOSSES)} (default: cross_entropy_mean for classes, else mean_squared_error)",
    )
    group.add_argument(
        "--optimiser",
        type=_known("optimiser", OPTIMISERS),
        default="adam",
        metavar="NAME",
        help=f"{', '.join(OPTIMISERS)} (default: %(default)s)",
    )
    group.add_argument(
        "--learning-rate", type=_positive, default=0.001, metavar="RATE", help="(default: %(default)s)"
    )
    group.add_argument("--momentum", type=float, default=0.0, help="of gradient_descent (default: 0)")
    group.add_argument("--weight-decay", type=float, default=0.0, help="(default: 0)")
    group.add_argument("--batch-size", type=_count, default=32, metavar="N", help="(default: %(default)s)")
    group.add_argument("--epochs", type=_count, default=20, metavar="N", help="(default: %(default)s)")
    group.add_argument("--seed", type=_seed, default=0, help="of split, start and shuffling (default: 0)")
    group.add_argument(
        "--patience", type=_count, metavar="N", help="stop after so many epochs without a lower loss"
    )
    group.add_argument("--checkpoint", metavar="FILE", help="written after every epoch")
    group.add_argument("--resume", action="store_true", help="go on from --checkpoint")


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is checked and shown")
    group.add_argument(
        "--check-every", type=_whole, default=1, metavar="K", help="judge every K-th step; 0 judges none"
    )
    group.add_argument("--log", metavar="FILE.jsonl", help="every step's figures, a JSON object a line")
    group.add_argument("--tensorboard", metavar="DIR", help="the same for TensorBoard; needs tensorboard")
    group.add_argument("--plot", metavar="DIR", help="write pictures there; needs matplotlib")
    group.add_argument("--json", action="store_true", help="print the result as one JSON object")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _known(kind: str, table: object):
    def named(text: str) -> str:
        if kind == "activation" and text in LAYERS and text not in ACTIVATIONS:
            raise argparse.ArgumentTypeError(
                f"{text} is a layer with parameters of its own; train.py's networks are linear layers with "
                f"an activation between them: expected one of {', '.join(ACTIVATIONS)}"
            )
        try:
            check_choice(kind, text, table)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return text

    return named


def _whole(text: str, lowest: int = 0, below: int = 2**63) -> int:
    if not (text.isdecimal() and lowest <= int(text) < below):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {lowest}, found {text!r}")
    return int(text)


def _count(text: str) -> int:
    return _whole(text, lowest=1)


def _seed(text: str) -> int:
    return _whole(text, below=2**31)


def _widths(text: str) -> tuple[int, ...]:
    return tuple(_count(width) for width in text.split(",")) if text else ()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, found {text!r}") from None


def _positive(text: str) -> float:
    if not 0 < _number(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
    return float(text)


def _share(text: str) -> float:
    if not 0 <= _number(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to below 1, found {text!r}")
    return float(text)
