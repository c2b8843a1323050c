"""How a descent reads in a terminal of 80 columns, with any number of parameters."""

import argparse
from collections.abc import Sequence
from typing import Any

from manual_backprop.lesson.descent import History, Stopped
from support.lesson_options import told_start
from support.tables import open_console, plain_table
from torch_reference.lesson.side_by_side import Judgement
from torch_reference.lesson.trajectory import Descent

WIDTH = 8
"""Of a number: a step, the SSR and seven parameters fit 80 columns."""

AT_ONCE = 7
"""Parameters in one table; more of them take another."""


def print_descent(
    manual: History,
    reference: Descent,
    judgement: Judgement,
    options: argparse.Namespace,
    warnings: Sequence[str],
) -> None:
    """Print the steps of the manual descent, why both stopped, and the verdict in one line.

    A warning is of the rate, and stands before the steps; advice comes of how it ended, and stands after it.
    """
    console = open_console()
    data = options.data or "the lesson's data"
    precision = f"{options.dtype} on {options.device}"
    console.print(f"Gradient descent on {data}, learning rate {options.learning_rate:g}, {precision}")
    console.print(f"Start: {told_start(options) or 'weights that are drawn'}")
    at_first = [text for text in warnings if text.startswith("Warning")]
    for text in at_first:
        console.print(f"[yellow]{text}[/]")
    console.print("")
    shown = shown_steps(manual.steps)
    for names in _rows_of(options.wrt):
        console.print(_points(manual, shown, names))
    frozen = {name: value[0].item() for name, value in manual.parameters.items() if name not in options.wrt}
    if frozen:
        console.print("\nFrozen: " + ", ".join(f"{name} = {value:g}" for name, value in frozen.items()))
    if manual.steps:
        console.print("\nStep sizes: learning rate · derivative, at the point before the step\n")
        for names in _rows_of(options.wrt):
            console.print(_step_sizes(manual, shown[1:], names))
    console.print("")
    for who, descent in (("manual", manual), ("torch.optim.SGD", reference)):
        console.print(f"{who:<16} {_reason(descent, options)}")
    for text in warnings:
        if text not in at_first:
            console.print(f"[yellow]{text}[/]")
    console.print(f"\n{_drift(judgement)}")
    console.print(_verdict(judgement, min(manual.steps, len(reference.ssr) - 1)))


def shown_steps(last: int) -> list[int]:
    """The first step, some between and the last: 0, 1, 2, 5, 10, 20, 50, …, last."""
    between = [digit * 10**power for power in range(len(str(last))) for digit in (1, 2, 5)]
    return [0, *(step for step in between if step < last), *([last] if last else [])]


def number(value: float, decimals: int) -> str:
    """A number in at most WIDTH characters: fixed-point where that shows two digits, or else with a power."""
    powers = [f"{value:.{digits}e}" for digits in (2, 1, 0)]
    points = [f"{value:.{digits}f}" for digits in range(decimals, 0, -1)]
    readable = value == 0 or abs(value) >= 10 ** (1 - decimals)
    return next(text for text in (points + powers if readable else powers) if len(text) <= WIDTH)


def _rows_of(names: Sequence[str]) -> list[Sequence[str]]:
    """The names in one table, or in several of equal width where one would not fit the terminal."""
    tables = -(-len(names) // AT_ONCE)
    width = -(-len(names) // tables)
    return [names[first : first + width] for first in range(0, len(names), width)]


def _points(history: History, steps: Sequence[int], wrt: Sequence[str]) -> Any:
    table = plain_table("step", "SSR", *wrt)
    table.columns[0].justify = "right"
    for step in steps:
        values = [history.ssr[step], *(history.parameters[name][step] for name in wrt)]
        table.add_row(str(step), *(number(value.item(), 4).rjust(WIDTH) for value in values))
    return table


def _step_sizes(history: History, steps: Sequence[int], wrt: Sequence[str]) -> Any:
    table = plain_table("step", "", *wrt)
    table.columns[0].justify = "right"
    table.columns[1].min_width = WIDTH
    for step in steps:
        sizes = [history.step_sizes[name][step - 1] for name in wrt]
        table.add_row(str(step), "", *(number(size.item(), 5).rjust(WIDTH) for size in sizes))
    return table


def _reason(descent: Descent, options: argparse.Namespace) -> str:
    if descent.stopped == Stopped.CONVERGED:
        largest = max(abs(sizes[-1].item()) for sizes in descent.step_sizes.values())
        why = f"converged (largest step size {largest:.3g} < {options.min_step_size:g})"
    elif descent.stopped == Stopped.STEP_LIMIT:
        why = "reached the step limit before it converged"
    else:
        why = f"diverged ({'a derivative' if descent.ssr[-1].isfinite() else 'the SSR'} is not finite)"
    return f"step {len(descent.ssr) - 1}: {why}"


def _drift(judgement: Judgement) -> str:
    drift = judgement.drift
    if drift is None:
        return "The two trajectories are the same, bit for bit."
    place = f"{drift.name}, step {drift.step}"
    return f"Largest difference: {drift.difference:.1e} ({place}), where the bound is {drift.bound:.1e}"


def _verdict(judgement: Judgement, steps: int) -> str:
    if not judgement.agrees:
        if judgement.first_wrong is None:
            return f"[bold red]MISMATCH[/]: {'; '.join(judgement.problems) or 'not a number'}"
        name, index = judgement.first_wrong
        return f"[bold red]MISMATCH[/], first in {name} {_place(name, index)}"
    if judgement.telling <= steps:
        overflow = judgement.telling == judgement.points
        then = "the numbers overflow" if overflow else "rounding may do anything"
        before = f"before step {judgement.telling}; then {then}"
        return f"[bold green]AGREEMENT[/] to within rounding {before}."
    return f"[bold green]AGREEMENT[/] to within rounding, at all {steps} steps."


def _place(name: str, index: int) -> str:
    return f"of step {index + 1}" if name.startswith("step_size_") else f"after step {index}"
