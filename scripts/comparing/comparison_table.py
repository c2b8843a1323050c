"""How a comparison reads in a terminal of 80 columns; rich draws it."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from comparing.comparison_rows import Finding
from comparing.one_network import told_network, told_observation
from support.tables import open_console, plain_table


def print_comparison(
    findings: Sequence[Finding], options: argparse.Namespace, truths: Mapping[str, Mapping[str, Any]]
) -> None:
    """Print the table and, below it, the verdict in one line."""
    table = plain_table("derivative", "manual", "autograd", "difference", "bound", "")
    for finding in findings:
        row = finding.row
        table.add_row(
            finding.title,
            f"{row.manual:.8g}",
            f"{row.reference:.8g}",
            f"{row.difference:.1e}" if row.difference else "0",
            f"{row.bound:.1e}" if row.bound else "0",
            "[green]agrees[/]" if row.agrees else f"[bold red]{row.verdict}[/]",
        )
    console = open_console()
    console.print(_heading(findings, options))
    if options.random is None or options.case is not None:
        console.print("\n".join(_point(findings, options, console.width)))
    console.print("")
    console.print(table)
    if options.truth:
        console.print("\nHow many roundings each witness is off, and which is off by more than rounding:\n")
        console.print(_truth_table(findings, truths))
    console.print(f"\n{_verdict(findings)}")
    if options.random is not None and options.case is None:
        worst = _worst(findings)
        console.print(
            f"Worst: {worst.title} of network {worst.case}, n = {len(worst.inputs)}; "
            f"to run it again, add --case {worst.case}."
        )


def _heading(findings: Sequence[Finding], options: argparse.Namespace) -> str:
    precision = f"{options.dtype} on {options.device}"
    if options.random is None:
        n = len(findings[0].inputs)
        data = options.data or "the lesson's data"
        return f"SSR of {data}, {n} observation{'s' * (n > 1)}, {precision}"
    if options.case is not None:
        return f"Network {options.case} of seed {options.seed}, {precision}"
    count = (
        "One random network" if options.random == 1 else f"The worst of {options.random:,} random networks"
    )
    return f"{count}, seed {options.seed}, {precision}"


def _point(findings: Sequence[Finding], options: argparse.Namespace, width: int) -> list[str]:
    """The SSR, the parameters, and the observation that the links are shown at, of one network."""
    one = findings[0]
    lines = told_network(one.parameters, one.inputs, one.observed, options, width)
    links = [finding for finding in findings if finding.kind == "link"]
    return [*lines, *([told_observation(links, width)] if links else [])]


def _truth_table(findings: Sequence[Finding], truths: Mapping[str, Mapping[str, Any]]) -> Any:
    table = plain_table("derivative", "exact, by mpmath", "manual", "autograd", "wrong")
    for finding in findings:
        truth = truths[finding.row.name]
        off = [f"{truth[f'{side}_roundings']:.3g}" for side in ("manual", "reference")]
        table.add_row(finding.title, f"{truth['exact']:.17g}", *off, str(truth["wrong"]))
    return table


def _worst(findings: Sequence[Finding]) -> "Finding":
    return next((f for f in findings if not f.row.agrees), max(findings, key=lambda f: f.row.ratio or 0.0))


def _verdict(findings: Sequence[Finding]) -> str:
    wrong = [finding for finding in findings if not finding.row.agrees]
    if wrong:
        place = "first wrong link" if wrong[0].kind == "link" else "every link agrees, but not"
        return f"[bold red]MISMATCH[/]: {len(wrong)} of {len(findings)} differ; {place}: {wrong[0].title}"
    ratio = _worst(findings).row.ratio
    share = f"at most {ratio:.2g} of the bound" if ratio else "bit for bit the same"
    count = f"all {len(findings)} derivatives" if len(findings) > 1 else "the derivative"
    return f"[bold green]AGREEMENT[/]: {count}, to within rounding ({share})."
