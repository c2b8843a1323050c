"""How the derivation in numbers reads: a line for each quantity, a column for each observation."""

from collections.abc import Sequence

from comparing.derivation_in_numbers import Line, Part
from support.descent_table import WIDTH, number

SHOWN = 3
"""The observations that have a column of their own; the others share one, which shows what they add up to."""


def text_of(parts: Sequence[Part], width: int) -> str:
    """All lines, in the width of a terminal: a formula without room for its numbers has a line above."""
    count = len(parts[0].lines[0].values)
    shown = min(count, SHOWN)
    titles = [f"obs. {place + 1}" for place in range(shown)]
    titles += [f"{count - shown} more"] if count > shown else []
    widest = max(len(line.formula) for part in parts for line in part.lines)
    label = max(min(widest, width - (WIDTH + 1) * (len(titles) + 1)), 3)
    lines = []
    for part in parts:
        sums = ["sum"] if any(line.total is not None for line in part.lines) else []
        lines += ["", part.title, _row("", [*titles, *sums], label)]
        lines += [_row(line.formula, _numbers(line, shown, count), label) for line in part.lines]
    return "\n".join(lines[1:])


def _numbers(line: Line, shown: int, count: int) -> list[str]:
    cells = [number(value, 4) for value in line.values[:shown].tolist()]
    if count > shown:
        cells.append("" if line.total is None else number(line.values[shown:].sum().item(), 4))
    return cells if line.total is None else [*cells, number(line.total, 4)]


def _row(formula: str, cells: Sequence[str], label: int) -> str:
    numbers = "".join(f" {cell:>{WIDTH}}" for cell in cells).rstrip()
    if len(formula) > label:
        return f"{formula}\n{'':<{label}}{numbers}"
    return f"{formula:<{label}}{numbers}"
