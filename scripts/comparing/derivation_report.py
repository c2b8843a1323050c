"""What compare_gradients.py says of a derivation of the user's own: the report, and who asked autograd."""

from support.ending import AGREEMENT, MISMATCH

import argparse
import sys
from typing import Any

from isolation.derivation import IsolatedDerivation
from reading.plain_lines import without_commands
from support.json_documents import print_json
from torch_reference.judging.report import Report

LINES = 20
"""Of what the derivation printed, which are shown."""


def tell(report: Report, derivation: IsolatedDerivation, options: argparse.Namespace, **more: Any) -> None:
    """Print the report, and to standard error what the derivation has printed."""
    printed = derivation.printed().splitlines()
    if printed:
        rest = [f"… ({len(printed) - LINES} lines more)"] if len(printed) > LINES else []
        print(
            f"{options.derivation} printed:",
            *map(without_commands, printed[:LINES]),
            *rest,
            sep="\n",
            file=sys.stderr,
        )
    asked = list(derivation.autograd)
    refused = bool(asked and options.no_autograd)
    if options.json:
        document = report.to_dict() | {"autograd": asked} | more
        print_json(document | ({"agree": False} if refused else {}), indent=2)
        return
    if refused:
        print("REFUSED (--no-autograd): it asks for derivatives instead of deriving them")
    print(report)
    for note in asked:
        print(f"it asks for derivatives instead of deriving them: {note}")


def status_of(report: Report, derivation: IsolatedDerivation, options: argparse.Namespace) -> int:
    """A mismatch where anything differs, or where autograd was refused and asked nevertheless."""
    refused = options.no_autograd and derivation.autograd
    return AGREEMENT if report.agrees and not refused else MISMATCH
