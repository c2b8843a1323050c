"""Animate the squiggle as it is fitted: gradient descent beside Adam, at the same learning rate."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path as File
from typing import Any

import torch
from torch import Tensor

from manual_backprop import forward
from support.atomic_files import check_folder, replacing
from support.descent_paths import NAMES, Path, follow
from support.ending import AGREEMENT, Parser, run
from support.lesson_options import Chosen, choose, observations, told_start
from support.optional_packages import require
from support.options import add_network_options
from support.pictures import STYLE, check_matplotlib, dots
from support.progress_bar import progress, waiting

FRAMES = 100
FRAMES_A_SECOND = 10
HELD = 20
"""Frames for which the last one stays."""

DOTS_PER_INCH = 100
LOWEST = 1e-6
"""Where the axis of the SSR ends, as a share of the SSR of the start, unless the descent goes below it."""

LINE = "#0072B2"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the animation; 0 when it is there."""
    options = _parse(argv)
    check_matplotlib()
    output = File(options.plot) / "descent.gif"
    check_folder(output.parent, f"--plot {options.plot}")
    torch.set_num_threads(1)  # a second thread costs more than it brings
    found = observations(options)
    chosen = choose(options, found)
    paths = dict[str, Path]()
    for optimiser, name in NAMES.items():
        with waiting(name, len(chosen.inputs)):
            settings = {"learning_rate": options.learning_rate}
            paths[name] = follow(optimiser, *chosen, options.wrt, options.steps, **settings)
    for name, path in paths.items():
        if not (path.ssr < 1e100).all():
            raise ValueError(
                f"{name} diverges at learning rate {options.learning_rate:g}; "
                "scripts/learning_rate.py says which one is stable"
            )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(output) as part:
            animate(part, paths, chosen, found.names, options)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), f"--plot {options.plot}") from None
    print(f"Start: {told_start(options)}")
    print(f"{output}: {output.stat().st_size / 2**20:.2f} MiB")
    return AGREEMENT


def animate(
    part: File, paths: dict[str, Path], chosen: Chosen, names: tuple[str, str], options: argparse.Namespace
) -> None:
    """Draw the steps that are shown, one frame each, and hold the last."""
    require("matplotlib", extra="plot").use("Agg")
    pyplot = require("matplotlib.pyplot", extra="plot")
    writer = require("matplotlib.animation", extra="plot").PillowWriter(fps=FRAMES_A_SECOND)
    with pyplot.rc_context({**STYLE, "figure.figsize": (8.0, 5.0), "savefig.dpi": DOTS_PER_INCH}):
        figure, axes = pyplot.subplots(2, 2, sharex="row", sharey="row", height_ratios=(3, 2))
        columns = [
            Column(axes[:, place], name, path, chosen, names, options)
            for place, (name, path) in enumerate(paths.items())
        ]
        figure.suptitle(f"learning rate {options.learning_rate:g}", fontsize=11)
        for panel in axes[:, 1]:
            panel.set_ylabel("")  # the left one says it for both
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # nothing moves from frame to frame but the curves
        steps = shown_steps(options.steps)
        with writer.saving(figure, str(part), dpi=DOTS_PER_INCH):
            frames = [*steps, *[steps[-1]] * HELD]
            for step in progress(frames, len(frames), "frames") if sys.stderr.isatty() else frames:
                for column in columns:
                    column.show(step)
                writer.grab_frame()
        pyplot.close(figure)


def shown_steps(last: int) -> list[int]:
    """At most FRAMES steps from 0 to the last: every one at first, then ever fewer."""
    return sorted({round(last * (frame / (FRAMES - 1)) ** 2) for frame in range(FRAMES)})


class Column:
    """One optimiser's half of the picture: the squiggle, and the SSR so far below it."""

    def __init__(
        self,
        axes: Sequence[Any],
        name: str,
        path: Path,
        chosen: Chosen,
        names: tuple[str, str],
        options: argparse.Namespace,
    ) -> None:
        self.path, self.squiggle, self.course = path, axes[0], axes[1]
        low, high = chosen.inputs.min().item(), chosen.inputs.max().item()
        margin = 0.05 * (high - low) or 1.0
        self.grid = torch.linspace(low - margin, high + margin, 200).to(chosen.inputs)
        steps = shown_steps(options.steps)
        curves = torch.stack([self.curve(step) for step in steps] + [self.curve(steps[-1])])
        values = torch.cat([curves.flatten(), chosen.observed.double().cpu()])
        self.squiggle.set_title(f"{name}\n", fontweight="bold")
        self.squiggle.set_ylim(*_wider(values.quantile(0.005).item(), values.quantile(0.995).item()))
        self.squiggle.set_xlabel(names[0])
        self.squiggle.set_ylabel(names[1])
        (self.line,) = self.squiggle.plot(self.grid.cpu(), self.curve(0), color=LINE)
        dots(self.squiggle, chosen.inputs, chosen.observed)
        # Every character is as wide as every other: the numbers change and nothing moves.
        middle = {"transform": self.squiggle.transAxes, "ha": "center", "family": "monospace"}
        self.text = self.squiggle.text(0.5, 1.02, "", **middle)
        start = path.ssr[0].item()
        self.course.set(xlim=(0, max(options.steps, 1)), xlabel="step", ylabel="SSR", yscale="log")
        reached = path.ssr[path.ssr > 0].min().item() / 10 if (path.ssr > 0).any() else LOWEST
        self.course.set_ylim(
            min(LOWEST * start or LOWEST, reached), 10 * max(start, path.ssr.max().item()) or 1
        )
        (self.so_far,) = self.course.plot([], [], color=LINE)
        (self.now,) = self.course.plot([], [], "o", color=LINE, markersize=6, clip_on=False, zorder=3)
        for artist in (self.text, self.now):
            artist.set_in_layout(False)  # the text above and the dot at the edge would push the axes about

    def curve(self, step: int) -> Tensor:
        """The predictions after a step."""
        predicted = forward(self.path.points[step], self.grid, torch.zeros_like(self.grid)).predicted
        return predicted.double().cpu()

    def show(self, step: int) -> None:
        """Set curves and text to a step."""
        self.line.set_ydata(self.curve(step))
        ssr = self.path.ssr[: step + 1].double().cpu()
        self.so_far.set_data(range(step + 1), ssr)
        self.now.set_data([step], [max(ssr[-1].item(), self.course.get_ylim()[0])])  # 0 has no logarithm
        self.text.set_text(f"step {step:<4} SSR {_readable(ssr[-1].item()):<7}")


def _readable(ssr: float) -> str:
    return f"{ssr:.4f}" if ssr >= 0.001 else f"{ssr:.1e}"


def _wider(low: float, high: float) -> tuple[float, float]:
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="animate.py", description=__doc__)
    add_network_options(parser)
    parser.add_argument("--learning-rate", type=float, default=0.1, help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, default=310, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--plot", default=".", metavar="DIR", help="write descent.gif there (default: here)")
    options = parser.parse_args(argv)
    if not 0 < options.learning_rate < math.inf:
        parser.error(f"--learning-rate: expected a number above 0, found {options.learning_rate}")
    if not 1 <= options.steps <= 10**5:
        parser.error(f"--steps: expected from 1 to 100000, found {options.steps}")
    return options


if __name__ == "__main__":
    run(main)
