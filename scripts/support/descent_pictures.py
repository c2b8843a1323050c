"""The pictures of a descent: the squiggle, the curves it is made of, the SSR, the derivatives."""

import argparse
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from manual_backprop.lesson import output_layer
from manual_backprop.lesson.descent import History
from manual_backprop.lesson.network import NODES, forward
from manual_backprop.lesson.trace import Trace
from support.atomic_files import replacing
from support.installed_packages import require
from support.pictures import COLOUR, COLOURS, DASHES, STYLE, dots, say_written, symlog_ticks

LARGEST = 1e100
"""Far beyond it matplotlib's logarithmic axes overflow; a descent that comes so far has diverged."""

SMOOTH = 0.9 / math.log(10)
"""The linscale at which the linear and the logarithmic part of a symlog axis meet without a kink."""

STROKES = ((COLOURS[0], "--"), (COLOURS[4], "-."), (COLOURS[3], (0, (1, 1))))
"""One for each node; of more nodes than three the first looks like the fourth."""

Drawing = Callable[[Any, History, Tensor, Tensor, tuple[str, str]], None]


def draw(
    history: History, inputs: Tensor, observed: Tensor, names: tuple[str, str], options: argparse.Namespace
) -> None:
    """Write squiggle, nodes, ssr and derivatives.png into options.plot, a folder made if missing."""
    require("matplotlib", extra="plot").use("Agg")
    pyplot = require("matplotlib.pyplot", extra="plot")
    drawings: dict[str, Drawing] = {
        "squiggle.png": squiggle,
        "nodes.png": nodes,
        "ssr.png": ssr,
        "derivatives.png": derivatives,
    }
    try:
        folder = Path(options.plot)
        folder.mkdir(parents=True, exist_ok=True)
        with pyplot.rc_context(STYLE):
            for name, drawing in drawings.items():
                figure = pyplot.figure()
                drawing(figure, history, inputs, observed, names)
                with replacing(folder / name) as part:
                    figure.savefig(part)
                pyplot.close(figure)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), f"--plot {options.plot}") from None
    say_written([folder / name for name in drawings])


def squiggle(figure: Any, history: History, inputs: Tensor, observed: Tensor, names: tuple[str, str]) -> None:
    """The data, and the network's curve at the start, at some steps between, and at the end."""
    axes = figure.subplots()
    grid = grid_over(inputs)
    steps = told_steps(history)
    shades = require("matplotlib", extra="plot").colormaps["viridis_r"]
    dots(axes, inputs, observed)
    for place, step in enumerate(steps):
        curve = drawable(_trace(history, step, grid).predicted)
        label = "start" if step == 0 else f"step {step}"
        # From light and thin (early) to dark and thick (late): readable without any colour.
        share = place / max(len(steps) - 1, 1)
        axes.plot(grid.cpu(), curve, color=shades(0.3 + 0.7 * share), linewidth=1.5 + share, label=label)
    title = f"Predictions, start to step {steps[-1]}" if steps[-1] else "Predictions at the start"
    axes.set(xlabel=names[0], ylabel=names[1], title=title)
    figure.legend(loc="outside right upper")


def nodes(figure: Any, history: History, inputs: Tensor, observed: Tensor, names: tuple[str, str]) -> None:
    """What each hidden node adds, w3 · y1 and w4 · y2, and their sum with the bias, at both ends."""
    figure.set_size_inches(9.0, 4.0)
    grid = grid_over(inputs)
    steps = sorted({0, told_steps(history)[-1]})
    [panels] = figure.subplots(1, len(steps), sharey=True, squeeze=False)
    of_nodes = {node.NAMES[-1] for node in NODES}
    others = [name for name in output_layer.DERIVATIVES if name not in of_nodes]
    for axes, step in zip(panels, steps, strict=True):
        trace = _trace(history, step, grid)
        rest = trace.predicted
        dots(axes, inputs, observed)
        for node, (colour, dashes) in zip(NODES, itertools.cycle(STROKES), strict=False):
            x, _, _, weight = node.NAMES
            y = x.replace("x", "y")
            part = history.parameters[weight][step] * getattr(trace, y)
            rest = rest - part
            line = {"color": colour, "linestyle": dashes, "label": f"{weight} · {y}"}
            axes.plot(grid.cpu(), drawable(part), **line)
        axes.plot(grid.cpu(), drawable(rest), ":", color="#555555", label=f"the rest: {', '.join(others)}")
        axes.plot(grid.cpu(), drawable(trace.predicted), color=COLOURS[2], label="predicted")
        axes.set(xlabel=names[0], title="start" if step == 0 else f"step {step}")
    panels[0].set_ylabel(names[1])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper")


def ssr(figure: Any, history: History, _inputs: Tensor, _observed: Tensor, _names: tuple[str, str]) -> None:
    """The SSR at every step, on a logarithmic scale where it falls or grows by much."""
    axes = figure.subplots()
    values = drawable(history.ssr)
    values = torch.where(values > 0, values, torch.nan)
    drawn = values[~values.isnan()]
    axes.plot(values, _line(history), color=COLOURS[0])
    if len(drawn) and drawn.max() > 10 * drawn.min():
        axes.set_yscale("log")
    last = _last(values)
    axes.set_xlim(0, max(last, 1))
    start, end = (f"{history.ssr[step].item():.4g}" for step in (0, -1))
    title = f"Sum of squared residuals: from {start} to {end}"
    if last < history.steps:
        title = f"SSR from {start}, diverged after step {last}"
    axes.set(xlabel="step", ylabel="SSR", title=title)


def _last(values: Tensor) -> int:
    """The last step of which there is something to draw."""
    found = (~values.isnan()).nonzero().flatten()
    return int(found[-1]) if len(found) else 0


def derivatives(
    figure: Any, history: History, _inputs: Tensor, _observed: Tensor, _names: tuple[str, str]
) -> None:
    """The derivative of the SSR with respect to each free parameter, at every step."""
    axes = figure.subplots()
    for name, value in history.derivatives.items():
        line = _line(history, DASHES[name])
        axes.plot(drawable(value), line, color=COLOUR[name], label=f"∂SSR/∂{name}")
    axes.axhline(0, color="#555555", linewidth=0.8, zorder=1)
    # Most of a descent happens in its first steps, and derivatives of both signs fall by orders of magnitude.
    if history.steps > 20:
        axes.set_xscale("symlog", linthresh=10, linscale=SMOOTH)
    axes.set_yscale("symlog", linthresh=0.1, linscale=SMOOTH)
    axes.set_yticks(*symlog_ticks(drawable(torch.stack(list(history.derivatives.values()))), 0.1))
    axes.yaxis.set_minor_locator(require("matplotlib.ticker", extra="plot").NullLocator())
    last = max(_last(drawable(value)) for value in history.derivatives.values())
    axes.set_xlim(0, max(last, 1))
    axes.set(xlabel="step", ylabel="derivative of the SSR", title="Derivatives at every step")
    figure.legend(loc="outside right upper")


def told_steps(history: History) -> list[int]:
    """The start, the end, and where the logarithm of the SSR has come a quarter, half and three quarters.

    The end is the last step at which the curve is near the data: one that has left them for good would
    squeeze all others into a line.
    """
    near = (history.ssr <= 100 * history.ssr[0]).nonzero().flatten()
    last = int(near[-1]) if len(near) else 0
    course = history.ssr[: last + 1].double().clamp(min=1e-300).log()
    way = course[-1] - course[0]
    if way == 0 or not way.isfinite():
        return sorted({0, last})
    done = (course - course[0]) / way
    return sorted({0, last, *(int((done >= share).nonzero().flatten()[0]) for share in (0.25, 0.5, 0.75))})


def grid_over(inputs: Tensor) -> Tensor:
    """Where the curves are drawn: over the inputs and a little beyond."""
    low, high = inputs.min().item(), inputs.max().item()
    margin = 0.05 * (high - low) or 1.0
    return torch.linspace(low - margin, high + margin, 400).to(inputs)


def drawable(values: Tensor) -> Tensor:
    """In float64 on the CPU, with a gap where a value is too large to draw, or no number at all."""
    values = values.double().cpu()
    return torch.where(values.abs() < LARGEST, values, torch.nan)


def _trace(history: History, step: int, grid: Tensor) -> Trace:
    here = {name: value[step] for name, value in history.parameters.items()}
    return forward(here, grid, torch.zeros_like(grid))


def _line(history: History, dashes: str = "-") -> str:
    """A line, or a dot where there is one point only."""
    return dashes if history.steps else "o"
