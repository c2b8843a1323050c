"""Time against the number of observations, both axes logarithmic: ours and the peers."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contest import Result
from support.atomic_files import replacing
from support.installed_packages import require
from support.pictures import COLOURS, STYLE

SIZES = (3, 30, 300, 3_000, 30_000, 300_000, 3_000_000)


def draw(results: Sequence[Result], path: Path) -> None:
    """One line for each contestant, named below the axes."""
    require("matplotlib", extra="plot").use("Agg")
    pyplot = require("matplotlib.pyplot", extra="plot")
    names = list(dict.fromkeys(name for result in results for name in result.seconds))
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots()
        for name, colour in zip(names, COLOURS, strict=False):
            measured = [result for result in results if name in result.seconds]
            sizes = [result.contest.size for result in measured]
            times = [statistics.median(result.seconds[name]) for result in measured]
            axes.loglog(sizes, times, "o-", color=colour, label=name, markersize=4)
        dtype = results[0].dtype
        axes.set(xlabel="observations", ylabel="seconds", title=f"Gradient of all seven parameters, {dtype}")
        figure.legend(loc="outside lower center", ncols=2)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            figure.savefig(part)
        pyplot.close(figure)
