"""The options of every program that checks a user's own derivation, and of the form of its report."""

import argparse

NAMES = "a NAME is homework.py:by_hand or package.module:attribute"


def add_model_options(group: argparse._ActionsContainer, also: str = "") -> None:
    """Add the options that name a derivation and what it is derived from; also says more of the model."""
    group.add_argument("--derivation", metavar="NAME", help="a function (parameters, inputs, targets)")
    group.add_argument(
        "--model", metavar="NAME", help=f"makes the module, or (module, loss, inputs, targets){also}"
    )
    group.add_argument(
        "--loss", metavar="NAME", help="a function (output, targets), if the model brings none"
    )
    group.add_argument("--examples", metavar="NAME", help="makes (inputs, targets), if the model brings none")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the form in which a report is told."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--fix", action="store_true", help="print the edit alone, for git apply")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the chain where a gradient is wrong")
