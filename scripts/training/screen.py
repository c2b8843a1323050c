"""A run in a terminal: a progress bar, a line for each warning, and the outcome in at most 80 columns."""

import argparse
from collections.abc import Mapping
from typing import Any

from manual_backprop.training.monitoring import Figures
from manual_backprop.training.symptoms import Symptom
from support.installed_packages import require
from support.tables import open_console, plain_table
from training.data import Data
from training.setup import Setup

BESIDE_THE_LOSSES = 52
"""Columns of the bar and of what else stands in its line: a longer text would push the bar away."""

SHORTEST = 8
"""A text that is cut to less says nothing."""


class Screen:
    """A progress bar and the warnings on standard error, so that standard output is the outcome alone."""

    def __init__(self, options: argparse.Namespace, data: Data, setup: Setup) -> None:
        """Say on standard output what is trained, unless --json asks for a document."""
        progress, console = require("rich.progress", "scripts"), require("rich.console", "scripts")
        self.console = console.Console(stderr=True, highlight=False)
        steps = -(-len(data.training.inputs) // setup.recipe.batch_size)
        self.bar = progress.Progress(
            progress.TextColumn("epoch {task.fields[epoch]}"),
            progress.BarColumn(bar_width=14),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[losses]}"),
            progress.TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("steps", total=options.epochs * steps, epoch=0, losses="")
        if not options.json:
            open_console().print(_heading(options, data, setup))

    def __enter__(self) -> "Screen":
        """Show the bar."""
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self.bar.stop()

    def step(self, here: Figures) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=here.step + 1)

    def warning(self, symptom: Symptom, here: Figures) -> None:
        """Print the sentence above the bar."""
        self.bar.console.print(f"[yellow]Warning[/], {symptom.sentence}")

    def epoch(self, number: int, losses: Mapping[str, float]) -> None:
        """Show the losses beside the bar."""
        shown = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in losses.items())
        self.bar.update(self.task, epoch=number, losses=fitted(shown, self.console.width))


def fitted(losses: str, width: int) -> str:
    """The losses, as far as a terminal of that width has room for them beside the bar; a word at least.

    >>> fitted("training loss 0.699, validation loss 0.7", width=80)
    'training loss 0.699, valida…'
    >>> fitted("training loss 0.699, validation loss 0.7", width=40)
    ''
    """
    room = width - BESIDE_THE_LOSSES
    if len(losses) <= room:
        return losses
    return f"{losses[: room - 1]}…" if room >= SHORTEST else ""


def _heading(options: argparse.Namespace, data: Data, setup: Setup) -> str:
    widths = "-".join(str(width) for width in setup.widths)
    count = sum(before * after + after for before, after in zip(setup.widths, setup.widths[1:], strict=False))
    hidden = f", {options.activation}" if options.hidden else ""
    rows = [len(part.inputs) for part in (data.training, data.validation, data.test)]
    return (
        f"Perceptron {widths}{hidden}, {count:,} parameters, {options.dtype} on {options.device}\n"
        f"{options.data}: {rows[0]:,} rows to train on, {rows[1]:,} for validation, {rows[2]:,} to test\n"
        f"{setup.recipe.loss}, {options.optimiser}, learning rate {options.learning_rate:g}, "
        f"mini-batches of {options.batch_size}\n"
    )


def print_outcome(found: Mapping[str, Any]) -> None:
    """Both witnesses' scores, how far rounding was used up, and the verdict."""
    names = ["loss", *(["accuracy"] if "classes" in found else [])]
    table = plain_table("", *(f"{found['scored_on']} {name}" for name in names))
    witnesses = {"by hand": found["manual"], "torch.nn, autograd, torch.optim": found["reference"]}
    if found["best"]:
        witnesses[f"by hand, at the best epoch {found['best_epoch']}"] = found["best"]
    for title, score in witnesses.items():
        cells = [f"{score['loss']:.6g}", *([f"{score['accuracy']:.2%}"] if "accuracy" in score else [])]
        table.add_row(title, *cells)
    console = open_console()
    console.print(f"{found['epochs']} epochs, {found['steps']:,} steps: {found['stopped']}\n")
    console.print(table)
    console.print(f"\n{_judged(found)}\n{_drift(found)}\n{_verdict(found)}")


def _judged(found: Mapping[str, Any]) -> str:
    if not found["steps_judged"]:
        return "No step was judged."
    at = found["largest_share_at"]
    where = f" (step {at['step']}, {at['link']})" if at["link"] else ""
    return (
        f"Judged: {found['steps_judged']:,} of {found['steps_seen']:,} steps, "
        f"{found['numbers_compared']:,} numbers\n"
        f"Largest difference: {found['largest_share_of_bound']:.2g} of its bound{where}"
    )


def _drift(found: Mapping[str, Any]) -> str:
    return f"Drift of the two whole trainings: parameters differ by at most {found['largest_drift']:.1e}"


def _verdict(found: Mapping[str, Any]) -> str:
    if not found["agree"]:
        return f"[bold red]MISMATCH[/], first at {found['divergence']}"
    if not found["steps_judged"]:
        return "Nothing was compared but the scores."
    is_every = found["steps_judged"] == found["steps_seen"]
    which = "every link of every step" if is_every else "every judged link"
    return f"[bold green]AGREEMENT[/] to within rounding: {which}."
