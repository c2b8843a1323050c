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


class Drawable(Protocol):
    """A report whose links lie on a graph."""

    @property
    def links(self) -> tuple[Judged, ...]:
        """From the loss backwards."""

    @property
    def graph(self) -> Graph:
        """On which they lie."""


def picture_html(report: Drawable) -> str:
    """The chain's picture for a notebook; empty where there is no link, or no matplotlib to draw it with."""
    file = io.BytesIO()
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
    above = _above(report)
    depths = _depths(above)
    places = {}
    for depth in sorted(set(depths)):
        row = [index for index, own in enumerate(depths) if own == depth]
        places.update({index: (number - (len(row) - 1) / 2, -depth) for number, index in enumerate(row)})
    widest = max(depths.count(depth) for depth in depths)
    figure = Figure(figsize=(max(4.0, WIDE * widest), 1 + HIGH * (max(depths) + 1)), dpi=120)
    axes = figure.add_axes((0, 0, 1, 1))
    for index, feeding in enumerate(above):
        for other in feeding:
            (x, y), (x0, y0) = places[index], places[other]
            axes.plot([x0, x], [y0, y], color="#666666", linewidth=0.8, zorder=1)
    for index, link in enumerate(report.links):
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": COLOURS[link.status], "linewidth": 2.0}
        text = "\n".join([link.quantity.manual_name + link.quantity.label, *_said(link)])
        axes.text(*places[index], text, ha="center", va="center", fontsize=8, bbox=box, zorder=2)
    half = (widest - 1) / 2 + 0.6
    axes.set(xlim=(-half, half), ylim=(-max(depths) - 0.7, 0.7))
    axes.set_axis_off()
    if isinstance(path, str | Path):
        figure.savefig(path)
    else:
        figure.savefig(path, format="png")


def _said(link: Judged) -> list[str]:
    row = link.given or link.row
    error = f"off by {row.difference:.1e}" if row.difference and link.status is not Status.RIGHT else ""
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
