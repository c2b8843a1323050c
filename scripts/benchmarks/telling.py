"""The results as a table of 80 columns, as Markdown and as JSON."""

import platform
from collections.abc import Sequence
from importlib import metadata, util
from typing import Any

import torch

from benchmarks.contest import Result
from manual_backprop.fast.kernels import compiled_library
from support.tables import open_console, plain_table

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def print_result(result: Result) -> None:
    """One contest: our time, and a line for each peer."""
    contest, console = result.contest, open_console()
    ours = _time(result.ours) + _memory(result, contest.ours.name)
    console.print(f"\n[bold]{contest.title}[/]\n{contest.ours.name}, {result.dtype}: {ours}")
    table = plain_table("", "its time", "ratio", "quartiles", "goal", "")
    for peer in contest.peers:
        low, ratio, high = result.ratio(peer.name)
        goal = contest.goals.get(peer.name)
        table.add_row(
            f"  {peer.name}",
            _time(ratio * result.ours) + _memory(result, peer.name),
            _ratio(ratio),
            f"{_ratio(low)} to {_ratio(high)}",
            f"{goal:g}" if goal else "",
            _verdict(ratio, goal),
        )
    for name in contest.missing:
        table.add_row(f"  {name}", "not installed", "", "", "", "")
    console.print(table)
    compiled = [f"{peer.name} {peer.prepared_in:.1f} s" for peer in contest.peers if peer.prepared_in]
    if compiled:
        console.print(f"  compiling, apart: {', '.join(compiled)}", style="dim")


def markdown(results: Sequence[Result]) -> str:
    """The table of goals, as docs/speed.md shows it: a ratio for each dtype."""
    dtypes = list(dict.fromkeys(result.dtype for result in results))
    lines = [f"| workload | peer | goal | {' | '.join(dtypes)} |"]
    lines += [f"| --- | --- | ---: |{' ---: |' * len(dtypes)}"]
    by_title: dict[str, dict[str, Result]] = {}
    for result in results:
        by_title.setdefault(result.contest.title, {})[result.dtype] = result
    for title, measured in by_title.items():
        goals = {peer: goal for result in measured.values() for peer, goal in result.contest.goals.items()}
        for peer, goal in goals.items():
            cells = [_cell(measured.get(dtype), peer, goal) for dtype in dtypes]
            lines.append(f"| {title} | {peer} | {goal:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(result: Result | None, peer: str, goal: float) -> str:
    if result is None:
        return ""
    if peer not in result.seconds:
        return "not installed"
    ratio = result.ratio(peer)[1]
    return _ratio(ratio) if ratio >= goal else f"{_ratio(ratio)} (missed)"


def _ratio(ratio: float) -> str:
    """Three digits, and no exponent."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def machine(device: torch.device) -> str:
    """What the figures were measured on, in one line."""
    versions = f"torch {torch.__version__}"
    if util.find_spec("jax"):
        versions += f", jax {metadata.version('jax')}"
    kernel = "compiled kernel" if compiled_library.library(torch.float64) else "no compiled kernel"
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return f"{where}, {torch.get_num_threads()} threads, {versions}, {kernel}"


def document(results: Sequence[Result], device: torch.device) -> dict[str, Any]:
    """Everything that was measured, for machines."""
    return {"machine": machine(device), "contests": [_contest(result) for result in results]}


def _contest(result: Result) -> dict[str, Any]:
    contest = result.contest
    peers = []
    for peer in contest.peers:
        low, ratio, high = result.ratio(peer.name)
        goal = contest.goals.get(peer.name)
        entry: dict[str, Any] = {"name": peer.name, "seconds": result.seconds[peer.name]}
        entry |= {"ratio": ratio, "quartiles": [low, high], "goal": goal, "compile_seconds": peer.prepared_in}
        entry |= {"met": None if goal is None else ratio >= goal, "peak_mib": result.memory.get(peer.name)}
        peers.append(entry)
    ours = {"name": contest.ours.name, "seconds": result.seconds[contest.ours.name]}
    ours["peak_mib"] = result.memory.get(contest.ours.name)
    head = {"name": contest.name, "title": contest.title, "size": contest.size, "dtype": result.dtype}
    return {**head, "ours": ours, "peers": peers, "missing": list(contest.missing)}


def _time(seconds: float) -> str:
    scale, unit = next(((s, u) for s, u in UNITS if seconds >= s), UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"


def _memory(result: Result, name: str) -> str:
    return f", {max(result.memory[name], 0):.0f} MiB" if name in result.memory else ""


def _verdict(ratio: float, goal: float | None) -> str:
    if goal is None:
        return ""
    return "[green]met[/]" if ratio >= goal else "[red]missed[/]"
