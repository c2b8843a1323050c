"""The chain as a graph: the loss at the top, every link below those that feed it."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

from torch_reference.chain.graph import Graph
from torch_reference.chain.verdict import Judged, Status

COLOURS = {
    Status.RIGHT: "#0072B2",
    Status.WRONG: "#D55E00",
    Status.INHERITED: "#E69F00",
    Status.NOT_JUDGED: "#999999",
}
"""Of Okabe and Ito's palette, which the colour-blind can tell apart; the words say the same."""
WIDE, HIGH = 2.4, 0.9
MOST_LINKS, MOST_IN_A_ROW, LONGEST_NAME = 60, 6, 28
"""Of more links those are drawn that are not right, and their neighbours."""


class Drawable(Protocol):
    """A report whose links lie on a graph."""

    @property
    def links(self) -> tuple[Judged, ...]:
        """From the loss backwards."""

    @property
    def graph(self) -> Graph:
        """On which they lie."""


def picture_html(report: Drawable) -> str:
    """The chain's picture for a notebook; empty of a single link, or where no matplotlib is there."""
    file = io.BytesIO()
    if len(report.links) < 2:
        return ""
    try:
        draw_chain(report, file)
    except (ImportError, ValueError):
        return ""
    return f'<img alt="the chain" src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'


def draw_chain(report: Drawable, path: str | Path | IO[bytes]) -> None:
    """Draw a report's links as a graph in a picture file, each with its status and the size of its error.

    Errors: ImportError without matplotlib (the extra `plot`); ValueError where there is no link to draw

    >>> import tempfile
    >>> from pathlib import Path
    >>> import torch
    >>> from torch_reference import check_links
    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    >>> squares = x.square()
    >>> gradients = {"squares": (squares, torch.ones_like(x)), "x": (x, 2 * x.detach())}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     picture = Path(folder) / "chain.png"
    ...     draw_chain(check_links(squares.sum(), gradients), picture)
    ...     picture.exists()
    True
    """
    try:
        from matplotlib.figure import Figure  # only a picture needs it
    except ImportError:
        raise ImportError("a picture needs matplotlib: pip install matplotlib") from None
    if not report.links:
        raise ValueError("there is no link to draw")
    shown = _shown(report)
    above = [[shown.index(other) for other in feeding if other in shown] for feeding in _above(report)]
    above = [above[index] for index in shown]
    places = _places(_depths(above))
    widest = 2 * max(x for x, _ in places) + 1
    lowest = min(y for _, y in places)
    figure = Figure(figsize=(max(4.0, WIDE * widest), 1 + HIGH * (1 - lowest)), dpi=120)
    axes = figure.add_axes((0, 0, 1, 1))
    for index, feeding in enumerate(above):
        for other in feeding:
            is_long = places[other][1] - places[index][1] > 1  # it would run behind the boxes between
            bent = {"arrowstyle": "-", "color": "#666666", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
            bent["connectionstyle"] = "arc3,rad=0.5" if is_long else "arc3"
            axes.annotate("", places[index], places[other], arrowprops=bent, zorder=1)
    for place, index in zip(places, shown, strict=True):
        link = report.links[index]
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": COLOURS[link.status], "linewidth": 2.0}
        text = "\n".join([_cut(link.quantity.manual_name + link.quantity.label), *_said(link)])
        axes.text(*place, text, ha="center", va="center", fontsize=8, bbox=box, zorder=2)
    if len(shown) < len(report.links):
        more = f"and {len(report.links) - len(shown)} more links: see the report"
        axes.text(0, lowest - 0.75, more, ha="center", va="center", fontsize=8)
    half = (widest - 1) / 2 + 0.6
    axes.set(xlim=(-half, half), ylim=(lowest - 0.95, 0.7))
    axes.set_axis_off()
    if isinstance(path, str | Path):
        figure.savefig(path)
    else:
        figure.savefig(path, format="png")


def _shown(report: Drawable) -> list[int]:
    """All links; of very many those that are not right, and what feeds them or is fed by them directly."""
    if len(report.links) <= MOST_LINKS:
        return list(range(len(report.links)))
    wrong = {index for index, link in enumerate(report.links) if link.status is not Status.RIGHT}
    above = _above(report)
    near = {other for index in wrong for other in above[index]}
    near |= {index for index, feeding in enumerate(above) if wrong.intersection(feeding)}
    chosen = sorted(wrong)[:MOST_LINKS]
    chosen += sorted(near - wrong)[: MOST_LINKS - len(chosen)]
    return sorted(chosen) or list(range(MOST_LINKS))


def _places(depths: Sequence[int]) -> list[tuple[float, float]]:
    """Where each link stands: those of one depth beside each other, in several rows if they are many."""
    found: dict[int, tuple[float, float]] = {}
    height = 0
    for depth in sorted(set(depths)):
        same = [index for index, own in enumerate(depths) if own == depth]
        for start in range(0, len(same), MOST_IN_A_ROW):
            row = same[start : start + MOST_IN_A_ROW]
            found |= {index: (number - (len(row) - 1) / 2, -height) for number, index in enumerate(row)}
            height += 1
    return [found[index] for index in range(len(depths))]


def _cut(name: str) -> str:
    """As much of a name as fits: its beginning and its end, by which most differ."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[: half - 1]}…{name[-half:]}"


def _said(link: Judged) -> list[str]:
    row = link.given or link.row
    error = f"off by {row.difference:.2g}" if row.difference and link.status is not Status.RIGHT else ""
    return [f"{link.status}{', ' * bool(error)}{error}"]


def _above(report: Drawable) -> list[list[int]]:
    """For every link those that feed it directly, as positions in the report."""
    edges = [link.quantity.edge for link in report.links]
    below = [report.graph.fed_by(edge, edges) for edge in edges]
    return [
        [other for other in range(len(edges)) if edge in below[other] and edges[other] != edge]
        for edge in edges
    ]


def _depths(above: Sequence[Sequence[int]]) -> list[int]:
    """The longest way from the loss; links come after those that feed them."""
    depths = [0] * len(above)
    for index, feeding in enumerate(above):
        depths[index] = max((depths[other] + 1 for other in feeding if other < index), default=0)
    return depths
