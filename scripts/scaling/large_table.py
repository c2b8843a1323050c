"""How a run over large data reads in a terminal of 80 columns."""

import argparse
from typing import Any

from manual_backprop.lesson.descent import Stopped
from scaling.large_result import Result
from support.descent_table import number, shown_steps
from support.tables import open_console, plain_table


def print_result(result: Result, options: argparse.Namespace, processes: int, peak_memory: int) -> None:
    """Print the gradient at the start, the descent, and what they cost."""
    console = open_console()
    names = ", ".join(options.data)
    several = f", {processes} processes" if processes > 1 else ""
    console.print(f"{result.observations:,} observations of {names}{several}\n")
    console.print(_gradient(result))
    if options.max_steps:
        console.print(f"\nGradient descent, learning rate {result.rate:.3g}\n")
        console.print(_points(result, options.wrt))
        console.print(f"\nstep {result.history.steps}: {_reason(result, options)}")
    console.print(
        f"\n{result.seconds:.1f} s, at most {peak_memory / 2**20:.0f} MiB of memory in each process"
    )
    if result.autograd:
        verdict = "[bold green]AGREEMENT[/] with autograd" if result.agrees else "[bold red]MISMATCH[/]"
        console.print(f"{verdict}, to within rounding." if result.agrees else verdict)


def _gradient(result: Result) -> Any:
    titles = ("autograd", "difference", "bound", "") if result.autograd else ()
    table = plain_table("at the start", "manual", *titles)
    for name, manual in result.manual.items():
        cells = [name if name == "ssr" else f"d_ssr_d_{name}", f"{manual:.12g}"]
        if result.autograd:
            difference, bound = abs(manual - result.autograd[name]), result.bounds[name]
            verdict = "[green]agrees[/]" if difference <= bound else "[bold red]differs[/]"
            cells += [f"{result.autograd[name]:.12g}", f"{difference:.1e}", f"{bound:.1e}", verdict]
        table.add_row(*cells)
    return table


def _points(result: Result, wrt: tuple[str, ...]) -> Any:
    history = result.history
    table = plain_table("step", "SSR / n", *wrt)
    table.columns[0].justify = "right"
    for step in shown_steps(history.steps):
        mean = history.ssr[step].item() / result.observations
        values = (number(history.parameters[name][step].item(), 4).rjust(8) for name in wrt)
        table.add_row(str(step), number(mean, 6), *values)
    return table


def _reason(result: Result, options: argparse.Namespace) -> str:
    if result.history.stopped is Stopped.CONVERGED:
        return f"converged, every step size is below {options.min_step_size:g}"
    if result.history.stopped is Stopped.STEP_LIMIT:
        return "reached the step limit before it converged"
    return "diverged, a number is not finite"
