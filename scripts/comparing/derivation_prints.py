"""What a derivation has printed, which is shown beside the report and beside an error."""

import sys

from reading.plain_lines import without_commands

LINES = 20
"""Of what the derivation printed, which are shown."""


def tell_printed(printed: str, derivation: str) -> None:
    """Print it to standard error."""
    lines = printed.splitlines()
    if lines:
        rest = [f"… ({len(lines) - LINES} lines more)"] if len(lines) > LINES else []
        shown = map(without_commands, lines[:LINES])
        print(f"{derivation} printed:", *shown, *rest, sep="\n", file=sys.stderr)
