"""How a comparison reads in a terminal of 80 columns; rich draws it."""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from extras import require
from random_networks import Batch

if TYPE_CHECKING:
    from compare_gradients import Finding

WIDTH = 80


def progress(drawn: Iterable[Batch], cases: int) -> Iterator[Batch]:
    """Pass the batches on, and show on standard error how many networks are done."""
    columns, console = require("rich.progress", "scripts"), require("rich.console", "scripts")
    with columns.Progress(console=console.Console(stderr=True), transient=True) as bar:
        task = bar.add_task("networks", total=cases)
        for batch in drawn:
            yield batch
            bar.advance(task, len(batch))


def print_comparison(
    findings: Sequence["Finding"], options: argparse.Namespace, truths: Mapping[str, Mapping[str, object]]
) -> None:
    """Print the table and, below it, the verdict in one line."""
    rich_table, console = require("rich.table", "scripts"), require("rich.console", "scripts")
    table = rich_table.Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("derivative", no_wrap=True)
    for column in ("manual", "autograd", "difference", "bound"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for finding in findings:
        row = finding.row
        table.add_row(
            finding.title,
            _number(row.manual),
            _number(row.reference),
            "0" if row.difference == 0 else f"{row.difference:.1e}",
            "0" if row.bound == 0 else f"{row.bound:.1e}",
            "[green]agrees[/]" if row.agrees else f"[bold red]{row.verdict}[/]",
        )
    # A pipe has no width: 80 columns, so that a table in a file reads as it does in a terminal.
    screen = console.Console(highlight=False)
    out = screen if screen.is_terminal else console.Console(highlight=False, width=WIDTH)
    out.print(f"[dim]{_heading(findings, options)}[/]\n")
    out.print(table)
    if options.truth:
        out.print()
        out.print(_truth_table(rich_table, findings, truths))
    out.print()
    out.print(_verdict(findings, options))


def _heading(findings: Sequence["Finding"], options: argparse.Namespace) -> str:
    if options.random is None:
        n = len(findings[0].inputs)
        data = options.data or "the lesson's data"
        return f"SSR of {data} ({n} observation{'s' * (n > 1)}), {options.dtype} on {options.device}"
    if options.case is not None:
        return f"Network {options.case} of seed {options.seed}, {options.dtype} on {options.device}"
    return (
        f"The worst of {options.random:,} random networks, seed {options.seed}, "
        f"{options.dtype} on {options.device}"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.11g}"


def _truth_table(
    rich_table: object, findings: Sequence["Finding"], truths: Mapping[str, Mapping[str, object]]
) -> object:
    table = rich_table.Table(box=None, padding=(0, 1), pad_edge=False)  # type: ignore[attr-defined]
    table.add_column("derivative", no_wrap=True)
    for column in ("exact (mpmath, 50 digits)", "manual is off", "autograd is off"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("wrong", no_wrap=True)
    for finding in findings:
        truth = truths[finding.row.name]
        off = [f"{truth[f'{side}_roundings']:.3g}" for side in ("manual", "reference")]
        table.add_row(
            finding.title,
            f"{truth['exact']:.17g}",
            *(f"{value} roundings" for value in off),
            str(truth["wrong"]),
        )
    return table


def _verdict(findings: Sequence["Finding"], options: argparse.Namespace) -> str:
    wrong = [finding for finding in findings if not finding.row.agrees]
    if wrong:
        first = wrong[0].title
        where = f"the first wrong link, from the SSR backwards, is {first}"
        if wrong[0].kind == "parameter":
            where = f"every link agrees, {first} does not"
        count = f"{len(wrong)} of {len(findings)} differ"
        return f"[bold red]MISMATCH[/]: {count}; {where}.{_again(wrong[0], options)}"
    worst = max(findings, key=lambda finding: finding.row.ratio or 0.0)
    exact = (
        "all are bit for bit the same"
        if not worst.row.ratio
        else (f"the largest difference is {worst.row.ratio:.2g} of its bound, in {worst.title}")
    )
    count = f"all {len(findings)} derivatives" if len(findings) > 1 else "the derivative"
    return f"[bold green]AGREEMENT[/]: {count} within rounding; {exact}.{_again(worst, options)}"


def _again(finding: "Finding", options: argparse.Namespace) -> str:
    """The command that runs the worst network of --random again."""
    if options.random is None or options.case is not None:
        return ""
    return f"\nIt is network {finding.case}, n = {len(finding.inputs)}; to run it again, add --case {finding.case}."
