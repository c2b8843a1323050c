"""Animate the squiggle as it is fitted: gradient descent beside Adam, at the same learning rate."""

from support.ending import AGREEMENT, Parser, run

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path as File

import torch

from support.atomic_files import check_folder, replacing
from support.descent_advice import GROWN
from support.descent_frames import Column, shown_steps
from support.descent_paths import NAMES, Path, follow
from support.installed_packages import require
from support.lesson_options import Chosen, choose, observations, told_start
from support.options import add_network_options
from support.pictures import STYLE, check_matplotlib
from support.progress_bar import progress, waiting

FRAMES_A_SECOND = 10
HELD = 20
"""Frames for which the last one stays."""

DOTS_PER_INCH = 100


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
        if not path.ssr[-1] < GROWN * path.ssr[0].clamp(min=torch.finfo(torch.float32).tiny):
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
            Column(axes[:, place], name, path, chosen, names)
            for place, (name, path) in enumerate(paths.items())
        ]
        for row in (0, 1):  # both columns have room for what either shows
            limits = [column.limits[row] for column in columns]
            axes[row, 0].set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
        figure.suptitle(f"learning rate {options.learning_rate:g}", fontsize=11)
        figure.legend(*columns[0].named(), loc="outside lower center", ncols=5, fontsize=9)
        for panel in axes[:, 1]:
            panel.set_ylabel("")  # the left one says it for both
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # nothing moves from frame to frame but the curves
        steps = shown_steps([path.ssr for path in paths.values()])
        with writer.saving(figure, str(part), dpi=DOTS_PER_INCH):
            frames = [*steps, *[steps[-1]] * HELD]
            for step in progress(frames, len(frames), "frames") if sys.stderr.isatty() else frames:
                for column in columns:
                    column.show(step)
                writer.grab_frame()
        pyplot.close(figure)


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
