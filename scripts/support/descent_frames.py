"""The frames of an animated descent: which steps they show, and one optimiser's half of each."""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop import forward
from manual_backprop.lesson.network import NODES
from support.descent_paths import Path
from support.descent_pictures import STROKES, drawable, grid_over
from support.installed_packages import require
from support.lesson_options import Chosen
from support.pictures import COLOURS, dots

FRAMES = 100
LOWEST = 1e-6
"""Where the axis of an SSR ends that is 0 at every step."""


def shown_steps(courses: Sequence[Tensor]) -> list[int]:
    """At most FRAMES steps from 0 to the last: many at first, and many where the SSR changes.

    Half of the frames are spaced by the root of the step, the other half by what the SSRs' logarithms, which
    stop counting at a thousandth of the start, have changed by.
    """
    last = len(courses[0]) - 1
    spent = torch.linspace(0, 1, last + 1, dtype=torch.float64).sqrt()
    logarithms = [(ssr.double().cpu() + ssr[0].item() / 1000 + 1e-300).log() for ssr in courses]
    changed = torch.stack([of.diff().abs() for of in logarithms]).sum(0).cumsum(0)
    if last and changed[-1] > 0:
        spent = (spent + torch.cat([changed.new_zeros(1), changed / changed[-1]])) / 2
    wanted = torch.linspace(0, float(spent[-1]), FRAMES, dtype=torch.float64)
    return sorted({0, last, *torch.searchsorted(spent, wanted).clamp(max=last).tolist()})


class Column:
    """One optimiser's half of the picture: the squiggle and its parts, and the SSR so far below it."""

    def __init__(
        self, axes: Sequence[Any], name: str, path: Path, chosen: Chosen, names: tuple[str, str]
    ) -> None:
        """Draw the start; limits are the heights that the two panels need."""
        self.path, self.squiggle, self.course = path, axes[0], axes[1]
        self.grid = grid_over(chosen.inputs)
        last = len(path.points) - 1
        *parts, predicted = zip(*(self.curves(step) for step in shown_steps([path.ssr])), strict=True)
        seen = [_most([values for _, values in predicted]), _most([chosen.observed.double().cpu()])]
        low, high = min(low for low, _ in seen), max(high for _, high in seen)
        # The nodes' parts may be far away: they have as much room again, on either side.
        wide = _most([values for part in parts for _, values in part])
        low, high = min(low, max(wide[0], 2 * low - high)), max(high, min(wide[1], 2 * high - low))
        positive = path.ssr[path.ssr > 0].double()
        self.limits = (
            _wider(low, high),
            _powers_of_ten(positive) if len(positive) else (LOWEST, 1.0),
        )
        self.squiggle.set_title(f"{name}\n", fontweight="bold")
        self.squiggle.set(xlabel=names[0], ylabel=names[1])
        strokes = [*zip(NODES, itertools.cycle(STROKES), strict=False)]
        styles = [{"color": colour, "linestyle": dashes, "linewidth": 1.5} for _, (colour, dashes) in strokes]
        styles.append({"color": COLOURS[2]})
        self.lines = [
            self.squiggle.plot(self.grid.cpu(), values, label=label, **style)[0]
            for (label, values), style in zip(self.curves(0), styles, strict=True)
        ]
        dots(self.squiggle, chosen.inputs, chosen.observed)
        # Every character is as wide as every other: the numbers change and nothing moves.
        middle = {"transform": self.squiggle.transAxes, "ha": "center", "family": "monospace"}
        self.text = self.squiggle.text(0.5, 1.02, "", **middle)
        self.course.set(xlim=(0, max(last, 1)), xlabel="step", ylabel="SSR", yscale="log")
        self.course.yaxis.set_minor_formatter(require("matplotlib.ticker", extra="plot").NullFormatter())
        (self.so_far,) = self.course.plot([], [], color=COLOURS[2])
        (self.now,) = self.course.plot([], [], "o", color=COLOURS[2], markersize=6, clip_on=False, zorder=3)
        for artist in (self.text, self.now):
            artist.set_in_layout(False)  # the text above and the dot at the edge would push the axes about

    def named(self) -> Any:
        """The lines and the dots with their labels, for one legend."""
        return self.squiggle.get_legend_handles_labels()

    def curves(self, step: int) -> list[tuple[str, Tensor]]:
        """What each node adds after a step, and the prediction."""
        here = self.path.points[step]
        trace = forward(here, self.grid, torch.zeros_like(self.grid))
        parts = []
        for node in NODES:
            x, _, _, weight = node.NAMES
            y = x.replace("x", "y")
            parts.append((f"{weight} · {y}", drawable(here[weight] * getattr(trace, y))))
        return [*parts, ("predicted", drawable(trace.predicted))]

    def show(self, step: int) -> None:
        """Set curves and text to a step."""
        for line, (_, values) in zip(self.lines, self.curves(step), strict=True):
            line.set_ydata(values)
        ssr = self.path.ssr[: step + 1].double().cpu()
        self.so_far.set_data(range(step + 1), ssr)
        self.now.set_data([step], [max(ssr[-1].item(), self.course.get_ylim()[0])])  # 0 has no logarithm
        self.text.set_text(f"step {step:<4} SSR {_readable(ssr[-1].item()):<7}")


def _readable(ssr: float) -> str:
    return f"{ssr:.4g}" if 0.001 <= ssr < 1e4 else f"{ssr:.1e}"


def _most(parts: Sequence[Tensor]) -> tuple[float, float]:
    """Where nearly all of the values are."""
    values = torch.cat(list(parts))
    values = values[:: -(-len(values) // 1_000_000)]  # more than sixteen million have no quantile
    return values.nanquantile(0.005).item(), values.nanquantile(0.995).item()


def _powers_of_ten(values: Tensor) -> tuple[float, float]:
    """Those that all values are between."""
    low, high = values.min().log10().floor().item(), values.max().log10().ceil().item()
    return 10.0**low, 10.0 ** max(high, low + 1)


def _wider(low: float, high: float) -> tuple[float, float]:
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin
