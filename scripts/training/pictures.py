"""--plot: loss, gradients, updates and flat units at every step, in one picture."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from manual_backprop.training.monitoring import Figures
from manual_backprop.training.symptoms import LONGEST_UPDATE, Symptom
from support.atomic_files import replacing
from support.installed_packages import require
from support.pictures import COLOURS, STYLE, check_plot

DASHES = ("-", "--", ":")


class Pictures:
    """Collects the figures of a run, and draws them at its end."""

    def __init__(self, folder: str) -> None:
        """Refuse a missing matplotlib, and a folder that cannot be written to, before the work."""
        check_plot(folder)
        self.folder = Path(folder)
        self.steps: list[Figures] = []
        self.epochs: list[tuple[int, Mapping[str, float]]] = []

    def step(self, here: Figures) -> None:
        """Keep the figures."""
        self.steps.append(here)

    def warning(self, symptom: Symptom, here: Figures) -> None:
        """Nothing is drawn of it."""

    def epoch(self, number: int, losses: Mapping[str, float]) -> None:
        """Keep the losses, with the number of steps so far."""
        self.epochs.append((self.steps[-1].step + 1, losses))

    def draw(self) -> None:
        """Write training.png."""
        require("matplotlib", extra="plot").use("Agg")
        pyplot = require("matplotlib.pyplot", extra="plot")
        with pyplot.rc_context({**STYLE, "figure.figsize": (10.0, 6.4), "lines.linewidth": 1.2}):
            figure, panels = pyplot.subplots(2, 2, sharex=True)
            self._loss(panels[0, 0])
            self._named(panels[0, 1], "gradient_norm", "Norm of each gradient", logarithmic=True)
            self._named(panels[1, 0], "update_ratio", "Update / parameter, in norm", logarithmic=True)
            panels[1, 0].axhline(LONGEST_UPDATE, color="#555555", linewidth=0.8)
            self._named(panels[1, 1], "flat", "Flat elements (thin), dead units (bold)", width=0.8)
            self._named(panels[1, 1], "dead", None, width=2.6)
            panels[1, 1].set_ylim(-0.03, 1.03)
            self._legends(figure, panels)
            for axes in panels[1]:
                axes.set_xlabel("step")
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with replacing(self.folder / "training.png") as part:
                    figure.savefig(part)
            except OSError as error:
                raise OSError(error.errno, error.strerror or str(error), f"--plot {self.folder}") from None
            finally:
                pyplot.close(figure)

    def _loss(self, axes: Any) -> None:
        axes.plot(self._steps(), _drawable([s.loss for s in self.steps]), color="#BBBBBB", label="mini-batch")
        for colour, name in zip(COLOURS, ("training_loss", "validation_loss"), strict=False):
            points = [(step, losses[name]) for step, losses in self.epochs if name in losses]
            if points:
                steps, losses = zip(*points, strict=True)
                axes.plot(steps, _drawable(losses), ".-", color=colour, label=name.replace("_loss", ""))
        axes.set_yscale("log")
        axes.set_title("Loss")
        axes.legend()

    def _named(
        self, axes: Any, kind: str, title: str | None, logarithmic: bool = False, width: float = 1.2
    ) -> None:
        names = list(getattr(self.steps[0], kind))
        for number, name in enumerate(names):
            axes.plot(
                self._steps(),
                _drawable([getattr(here, kind)[name] for here in self.steps], positive=logarithmic),
                DASHES[number // len(COLOURS) % len(DASHES)],
                color=COLOURS[number % len(COLOURS)],
                linewidth=width,
                label=name if title else None,
            )
        if logarithmic:
            axes.set_yscale("log")
        if title:
            axes.set_title(title)

    def _legends(self, figure: Any, panels: Any) -> None:
        """Beside the panels: the lines leave no corner free."""
        for axes, where, title in (
            (panels[0, 1], "outside right upper", "parameter"),
            (panels[1, 1], "outside right lower", "module"),
        ):
            lines, names = axes.get_legend_handles_labels()
            if names:
                figure.legend(lines, names, loc=where, title=title, ncols=-(-len(names) // 12))

    def _steps(self) -> list[int]:
        return [here.step for here in self.steps]


def _drawable(values: Sequence[float], positive: bool = True) -> list[float]:
    """With a gap where a value cannot stand on the axis."""
    return [
        v if (v > 0 or not positive) and math.isfinite(v) and abs(v) < 1e100 else math.nan for v in values
    ]
