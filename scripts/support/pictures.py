"""The pictures of a descent: the squiggle over the data, the SSR and the derivatives at every step."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from manual_backprop.lesson.descent import History
from manual_backprop.lesson.gradient import LESSON_WRT
from manual_backprop.lesson.network import PARAMETERS, forward
from support.atomic_files import check_folder, replacing
from support.optional_packages import require

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, which people with any colour vision tell apart; one colour for each parameter."""

# The lesson's three first, whatever the network has besides: after seven the colours come again, dotted.
_ORDER = [*LESSON_WRT, *(name for name in PARAMETERS if name not in LESSON_WRT)]
COLOUR = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(_ORDER)}
DASHES = {
    name: ":" if place >= len(COLOURS) else "-" if name in LESSON_WRT else "--"
    for place, name in enumerate(_ORDER)
}
STYLE = {
    "figure.figsize": (6.4, 4.0),
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "lines.linewidth": 2,
    "legend.frameon": False,
}

LARGEST = 1e100
"""Far beyond it matplotlib's logarithmic axes overflow; a descent that comes so far has diverged."""

SMOOTH = 0.9 / math.log(10)
"""The linscale at which the linear and the logarithmic part of a symlog axis meet without a kink."""

Drawing = Callable[[Any, History, Tensor, Tensor], None]


def check_matplotlib() -> None:
    """Raise the ValueError that names the extra, where matplotlib is not installed."""
    require("matplotlib", extra="plot")


def check_plot(folder: str) -> None:
    """Raise ValueError, before the work rather than after it, where --plot could not draw into the folder."""
    check_matplotlib()
    check_folder(Path(folder), f"--plot {folder}")


def draw(history: History, inputs: Tensor, observed: Tensor, options: argparse.Namespace) -> None:
    """Write squiggle.png, ssr.png and derivatives.png into options.plot, a folder made if missing."""
    require("matplotlib", extra="plot").use("Agg")
    pyplot = require("matplotlib.pyplot", extra="plot")
    drawings: dict[str, Drawing] = {
        "squiggle.png": squiggle,
        "ssr.png": ssr,
        "derivatives.png": derivatives,
    }
    try:
        folder = Path(options.plot)
        folder.mkdir(parents=True, exist_ok=True)
        with pyplot.rc_context(STYLE):
            for name, drawing in drawings.items():
                figure, axes = pyplot.subplots()
                drawing(axes, history, inputs, observed)
                if name == "squiggle.png" and options.data:
                    axes.set(xlabel="input", ylabel="observed and predicted")
                with replacing(folder / name) as part:
                    figure.savefig(part)
                pyplot.close(figure)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), f"--plot {options.plot}") from None


def squiggle(axes: Any, history: History, inputs: Tensor, observed: Tensor) -> None:
    """The data, and the network's curve at the start, at some steps between, and at the end."""
    low, high = inputs.min().item(), inputs.max().item()
    margin = 0.05 * (high - low) or 1.0
    grid = torch.linspace(low - margin, high + margin, 400).to(inputs)
    # A curve that has left the data for good would squeeze all others into a line.
    near = (history.ssr <= 100 * history.ssr[0]).nonzero().flatten()
    last = int(near[-1]) if len(near) else 0
    steps = sorted({0, *(round(last * share) for share in (0.03, 0.1, 0.3)), last})
    shades = require("matplotlib", extra="plot").colormaps["viridis_r"]
    for place, step in enumerate(steps):
        here = {name: value[step] for name, value in history.parameters.items()}
        curve = _drawable(forward(here, grid, torch.zeros_like(grid)).predicted)
        label = "start" if step == 0 else f"step {step}"
        # From light and thin (early) to dark and thick (late): readable without any colour.
        share = place / max(len(steps) - 1, 1)
        axes.plot(grid.cpu(), curve, color=shades(0.15 + 0.85 * share), linewidth=1.5 + share, label=label)
    axes.scatter(
        inputs.cpu(), observed.cpu(), s=64, color="#D55E00", edgecolor="white", zorder=3, label="observed"
    )
    axes.set(xlabel="dosage", ylabel="effectiveness", title=f"Predictions, start to step {last}")
    axes.figure.legend(loc="outside right upper")


def ssr(axes: Any, history: History, _inputs: Tensor, _observed: Tensor) -> None:
    """The SSR at every step, on a logarithmic scale."""
    values = _drawable(history.ssr)
    axes.plot(torch.where(values > 0, values, torch.nan), _line(history), color=COLOURS[0])
    axes.set_yscale("log")
    axes.set_xlim(0, max(history.steps, 1))
    start, end = (f"{history.ssr[step].item():.4g}" for step in (0, -1))
    axes.set(xlabel="step", ylabel="SSR", title=f"Sum of squared residuals: from {start} to {end}")


def derivatives(axes: Any, history: History, _inputs: Tensor, _observed: Tensor) -> None:
    """The derivative of the SSR with respect to each free parameter, at every step."""
    for name, value in history.derivatives.items():
        line = _line(history, DASHES[name])
        axes.plot(_drawable(value), line, color=COLOUR[name], label=f"∂SSR/∂{name}")
    axes.axhline(0, color="#555555", linewidth=0.8, zorder=1)
    # Most of a descent happens in its first steps, and derivatives of both signs fall by orders of magnitude.
    axes.set_xscale("symlog", linthresh=10, linscale=SMOOTH)
    axes.set_yscale("symlog", linthresh=0.1, linscale=SMOOTH)
    axes.set_xlim(0, max(history.steps, 1))
    axes.set(xlabel="step", ylabel="derivative of the SSR", title="Derivatives at every step")
    axes.figure.legend(loc="outside right upper")


def _line(history: History, dashes: str = "-") -> str:
    """A line, or a dot where there is one point only."""
    return dashes if history.steps else "o"


def _drawable(values: Tensor) -> Tensor:
    """In float64 on the CPU, with a gap where a value is too large to draw, or no number at all."""
    values = values.double().cpu()
    return torch.where(values.abs() < LARGEST, values, torch.nan)
