"""The picture of learning-rate sensitivity: SSR per step at several rates, gradient descent beside Adam."""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path as File

import torch
from torch import Tensor

from support.atomic_files import replacing
from support.descent_paths import NAMES, follow
from support.installed_packages import require
from support.pictures import STYLE, say_written

STEPS = 1000
DECADES_BELOW, DECADES_ABOVE = 6, 3
"""How far below and above the SSR of the start the axis reaches."""

DASHES = ("-", (0, (7, 1.5)), (0, (2, 1)), (0, (7, 1.5, 2, 1.5)), "-")


def draw(
    start: Mapping[str, Tensor],
    inputs: Tensor,
    observed: Tensor,
    largest_stable_rate: float,
    options: argparse.Namespace,
) -> None:
    """Write learning_rates.png into options.plot, a folder made if missing."""
    require("matplotlib", extra="plot").use("Agg")
    pyplot = require("matplotlib.pyplot", extra="plot")
    rates = options.learning_rates or rates_around(largest_stable_rate)
    shades = require("matplotlib", extra="plot").colormaps["viridis_r"]
    with pyplot.rc_context({**STYLE, "figure.figsize": (9.0, 4.2)}):
        figure, panels = pyplot.subplots(1, 2, sharey=True, sharex=True)
        for axes, (optimiser, name) in zip(panels, NAMES.items(), strict=True):
            for place, rate in reversed(list(enumerate(rates))):
                ssr = follow(optimiser, start, inputs, observed, options.wrt, STEPS, learning_rate=rate).ssr
                # From light and thick (the first) to dark and thin (the last), each with dashes of its own.
                share = place / max(len(rates) - 1, 1)
                axes.plot(
                    _drawable(ssr),
                    linestyle=DASHES[place % len(DASHES)],
                    color=shades(0.1 + 0.9 * share),
                    linewidth=2.8 - 1.6 * share,
                    label=f"{rate:g}",
                )
            axes.set(title=name, xlabel="step")
        panels[0].set_title(f"{NAMES['gradient_descent']}, stable below {largest_stable_rate:.4g}")
        low, high = _limits(start, inputs, observed, options)
        panels[0].set(xlim=(0, STEPS), ylim=(low, high), yscale="log", ylabel="SSR")
        panels[0].set_xscale("symlog", linthresh=1)
        panels[0].set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1000"])
        handles, labels = panels[0].get_legend_handles_labels()
        figure.get_layout_engine().set(wspace=0.06)
        figure.legend(
            handles[::-1], labels[::-1], loc="outside right upper", title="learning rate", handlelength=3
        )
        try:
            folder = File(options.plot)
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / "learning_rates.png") as part:
                figure.savefig(part)
            say_written([folder / "learning_rates.png"])
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), f"--plot {options.plot}") from None
        finally:
            pyplot.close(figure)


def rates_around(limit: float) -> list[float]:
    """Five learning rates: three decades up to the limit, one just above it, and one far above."""
    if not 0 < limit < math.inf:
        limit = 1.0
    decade = 10.0 ** math.floor(math.log10(limit))
    above = math.ceil(10.4 * limit / decade) / 10 * decade
    return [float(f"{rate:.2g}") for rate in (decade / 100, decade / 10, decade, above, 10 * decade)]


def _drawable(ssr: Tensor) -> Tensor:
    """With a gap where the SSR is 0, no number, or too large for matplotlib's axes."""
    ssr = ssr.double().cpu()
    return torch.where((ssr > 0) & (ssr < 1e100), ssr, torch.nan)


def _limits(
    start: Mapping[str, Tensor], inputs: Tensor, observed: Tensor, options: argparse.Namespace
) -> tuple[float, float]:
    here = follow("gradient_descent", start, inputs, observed, options.wrt, 0).ssr.item() or 1.0
    return here * 10.0**-DECADES_BELOW, here * 10.0**DECADES_ABOVE
