"""What all pictures share: colours, dashes, dots, ticks, and the folder that they are written to."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from manual_backprop.lesson.gradient import LESSON_WRT
from manual_backprop.lesson.network import PARAMETERS
from support.atomic_files import check_folder
from support.installed_packages import require

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, which people with any colour vision tell apart; one colour for each parameter."""

DATA = COLOURS[1]
"""The colour of what was observed."""

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


def check_matplotlib() -> None:
    """Raise the ValueError that names the extra, where matplotlib is not installed."""
    require("matplotlib", extra="plot")


def check_plot(folder: str) -> None:
    """Raise ValueError, before the work rather than after it, where --plot could not draw into the folder."""
    check_matplotlib()
    check_folder(Path(folder), f"--plot {folder}")


def say_written(paths: Sequence[Path]) -> None:
    """Name every file that was written, on standard error: standard output may be JSON."""
    print("written:", *paths, file=sys.stderr)


MOST_DOTS = 20_000
"""Of so many observations every one is drawn, of more an even sample: nobody sees the difference."""
FEW = 100
"""Observations whose dots stand apart from each other."""


def dots(axes: Any, inputs: Tensor, observed: Tensor) -> None:
    """The observations: large where they are few; small, transparent and below all curves if many."""
    n = len(inputs)
    shown = torch.linspace(0, n - 1, min(n, MOST_DOTS)).round().long()
    few = n <= FEW
    share = min(1.0, FEW / n)
    axes.scatter(
        inputs.cpu()[shown],
        observed.cpu()[shown],
        s=64 if n <= 30 else max(3.0, 64 * share**0.5),
        color=DATA,
        edgecolor="white" if few else "none",
        alpha=1.0 if few else max(0.04, share**0.5),
        zorder=3 if few else 1,
        rasterized=not few,
    )
    title = "observed" if n <= MOST_DOTS else f"observed\n({MOST_DOTS:,} of {n:,})"
    axes.scatter([], [], s=36, color=DATA, label=title)  # in the legend a dot is always seen


def symlog_ticks(values: Tensor, threshold: float) -> tuple[list[float], list[str]]:
    """At most four powers of ten on either side of 0, as far apart as their labels need, and 0."""
    finite = values[values.isfinite()]
    low, high = (finite.min().item(), finite.max().item()) if len(finite) else (0.0, 0.0)
    largest = max(abs(low), abs(high), threshold)
    bottom, top = math.floor(math.log10(threshold)), math.floor(math.log10(largest))
    stride = max(1, math.ceil((top - bottom) / 4))
    powers = [power for power in range(top, bottom - 1, -stride) if stride == 1 or power > bottom]
    ticks = sorted([-(10.0**power) for power in powers if -(10.0**power) >= 2 * low] + [0.0])
    ticks += sorted(10.0**power for power in powers if 10.0**power <= 2 * high)
    return ticks, [_power(tick) for tick in ticks]


def _power(value: float) -> str:
    """A tick's label: 0.1, 1, 100, and a power of ten from 10000 on."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:g}".replace("-", "−")
    sign = "−" if value < 0 else ""
    return f"${sign}10^{{{round(math.log10(abs(value)))}}}$"
