"""The numbers of a derivation of the user's own, beside autograd's and, with --explain, the lesson's."""

import argparse
import math

import torch

from comparing.one_network import told_network
from manual_backprop import PARAMETERS
from support.tables import open_console, plain_table
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.hygiene import checked_mapping, copies
from torch_reference.judging.report import Report
from torch_reference.judging.scalar_objective import reference_gradients


def print_numbers(task: Task, report: Report, options: argparse.Namespace) -> None:
    """A row for each number that was returned: of a link, at the observation of the first wrong one."""
    console = open_console()
    if options.explain:
        parameters = {name: task.point[name].item() for name in PARAMETERS}
        data = (task.point[key].tolist() for key in ("inputs", "targets"))
        print("")
        print("\n".join(told_network(parameters, *data, options, console.width)))
    returned = checked_mapping(task.derivation(copies(task.point)))
    shapes = task.shapes(task.point)
    reference = reference_gradients(task.objective, task.point, shapes)
    wrong = {finding.name: not finding.agrees for finding in report.findings}
    place = _place(report)
    links = [name for name in shapes if name in task.links]
    if options.links and not any(name in returned for name in links):
        print(f"\n--links: it returns none of them; it may, under the names {', '.join(links)}")
    table = plain_table("derivative", "yours", "autograd", "difference", "")
    names = [name for name in shapes if name in returned and (options.links or name in PARAMETERS)]
    for name in names:
        yours, right = (_number(side[name], place) for side in (returned, reference))
        title = f"d_ssr_d_{name}" + (f"[{place}]" if name in task.links else "")
        verdict = "[bold red]differs[/]" if wrong.get(name, True) else "[green]agrees[/]"
        table.add_row(
            title.replace("[", r"\["), f"{yours:.8g}", f"{right:.8g}", f"{abs(yours - right):.1e}", verdict
        )
    print("")
    if options.links and any(name in task.links for name in names):
        n = len(task.point["inputs"])
        given = ", ".join(f"{what} = {task.point[key][place]:g}" for what, key in DATA.items())
        print(f"Links at observation {place + 1} of {n}, [{place}]: {given}\n")
    console.print(table)


DATA = {"Input": "inputs", "Observed": "targets"}


def _place(report: Report) -> int:
    """The worst observation of the first wrong link, or the first one."""
    wrong = [
        finding.row.index for finding in report.findings if finding.kind == "link" and not finding.agrees
    ]
    return next((index[0] for index in wrong if index), 0)


def _number(value: torch.Tensor, place: int) -> float:
    """A derivative's number, or a link's at one observation; NaN where the shape is another one."""
    if value.numel() == 1:
        return float(value.flatten()[0])
    return float(value[place]) if value.ndim == 1 and place < len(value) else math.nan
