"""The chain as the user wrote it, from the loss backwards: right, wrong here, inherited, not judged."""

import html
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from torch_reference.chain.graph import Graph
from torch_reference.chain.picture import picture_html
from torch_reference.chain.quantity import Place
from torch_reference.chain.verdict import Judged, Status
from torch_reference.judging.report_text import wrapped

WIDTH = 80
MOST_LINES = 34
"""Of so many links each has a line of its own; of more, only those that are not right."""


@dataclass(frozen=True)
class ChainReport:
    """All links, what was left unpaired, and the graph on which they lie.

    Of a recorded forward pass: its variables; its values that have a name; what is made again, and otherwise.
    """

    links: tuple[Judged, ...]
    graph: Graph
    unpaired: tuple[str, ...] = ()
    note: str = ""
    forward: frozenset[str] = frozenset()
    named: tuple[tuple[str, Tensor], ...] = ()
    recomputed: tuple[tuple[str, Place], ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every quantity that was paired agrees with autograd."""
        return all(link.status is Status.RIGHT for link in self.links)

    def __bool__(self) -> bool:
        """As agrees: `assert check_links(…)` says what it seems to say."""
        return self.agrees

    @property
    def wrong(self) -> tuple[Judged, ...]:
        """The links where a mistake was made, from the loss backwards."""
        return tuple(link for link in self.links if link.status is Status.WRONG)

    @property
    def first_wrong(self) -> Any:
        """The first quantity, from the loss backwards, whose own derivative is wrong; None without one."""
        return self.wrong[0].quantity if self.wrong else None

    def explain(self, *names: str) -> str:
        """The right derivative of links, in words and as formulas; of the wrong ones if none is named."""
        from torch_reference.chain.explanation.explaining import explained  # sympy takes a second to import

        chosen = names or tuple(link.quantity.name for link in self.wrong)
        return explained(self.graph, [link.quantity for link in self.links], dict(self.named), chosen)

    def to_dict(self) -> dict[str, object]:
        """Everything, for machines."""
        return {
            "agree": self.agrees,
            "note": self.note,
            "first_wrong": self.first_wrong.shown if self.first_wrong else None,
            "links": [_facts(link) for link in self.links],
            "unpaired": list(self.unpaired),
            "recomputed": [{"name": name, "line": place.line} for name, place in self.recomputed],
        }

    def __str__(self) -> str:
        """Text of at most 80 columns."""
        return "\n".join([*self._heading(), "", *self._table(), *self._details(), *self._rest()])

    def _repr_html_(self) -> str:
        """The picture of the chain, where matplotlib is there, and the text below it."""
        return f"{picture_html(self)}<pre>{html.escape(str(self))}</pre>"

    def text(self) -> str:
        """As it stands below another report's heading: every link, and the wrong ones at closer sight."""
        if all(link.quantity.returned for link in self.links):  # there is no chain to show, but lines
            places = dict.fromkeys(link.quantity.place for link in self.wrong if link.quantity.place)
            return "\n".join(line for place in places for line in _where(place))
        return "\n".join([*self._note(), *self._table(), *self._details()])

    def _heading(self) -> list[str]:
        total = len(self.links)
        if self.agrees:
            return [f"AGREEMENT: all {total} links of the chain, to within rounding", *self._note()]
        found = Counter(link.status for link in self.links)
        counted = [f"{found[status]} {status}" for status in Status if found[status]]
        lines = [*wrapped(f"MISMATCH: of {total} links {', '.join(counted)}", "    "), *self._note()]
        names = ", ".join(link.quantity.shown for link in self.wrong)
        return lines + wrapped(f"wrong, from the loss backwards: {names}", "    ") * bool(names)

    def _note(self) -> list[str]:
        return wrapped(self.note, "    ") if self.note else []

    def _table(self) -> list[str]:
        shown = [
            link for link in self.links if len(self.links) <= MOST_LINES or link.status is not Status.RIGHT
        ]
        hidden = len(self.links) - len(shown)
        width = min(max((len(_pair(link)) for link in shown), default=0), 44)
        lines = [
            _cut(f"  {_MARKS[link.status]} {_pair(link):<{width}}  {_said(link)}".rstrip(), width=WIDTH)
            for link in shown
        ]
        return lines + ([f"    and {hidden} that are right"] if hidden else [])

    def _details(self) -> list[str]:
        lines = []
        for link in self.wrong:
            lines += ["", *_detail(link)]
        return lines

    def _rest(self) -> list[str]:
        if not self.unpaired:
            return []
        return ["", *wrapped(f"left unpaired: {'; '.join(self.unpaired)}", "    ")]


_MARKS = {Status.RIGHT: " ", Status.WRONG: "✗", Status.INHERITED: "·", Status.NOT_JUDGED: "?"}


def _pair(link: Judged) -> str:
    return f"{link.quantity.manual_name}{link.quantity.label}"


def _said(link: Judged) -> str:
    at = link.quantity.place if link.status is Status.WRONG else None
    return (
        f"{link.status}" + (f"  line {at.line}" if at else "") + (f": {link.reason}" if link.reason else "")
    )


def _detail(link: Judged) -> list[str]:
    """A wrong link: its line, and its worst element against what autograd makes of the same upstream."""
    quantity, row = link.quantity, link.given or link.row
    lines = wrapped(f"{_pair(link)}: {row.verdict}" + _counted(row), "    ")
    lines += _where(quantity.place) if quantity.place else []
    if row.explanation:
        lines += wrapped(f"    {row.explanation}", "    ")
    if row.manual is not None:
        index = f"[{', '.join(map(str, row.index))}]" if row.index else ""
        worst = f"    worst at {quantity.manual_name}{index}, given its own upstream gradients"
        lines += wrapped(worst, "    ")
        lines += [f"      manual    {row.manual!r}", f"      reference {row.reference!r}"]
    if link.diagnosis:
        lines += wrapped(f"    {link.diagnosis.kind}: {link.diagnosis.sentence}", "    ")
    return lines


def _where(place: Place) -> list[str]:
    """The file, the line and its text."""
    source = [f"      {_cut(place.source)}"] if place.source else []
    return [f"    {_cut(str(place), front=True)}", *source]


def _cut(text: str, front: bool = False, width: int = WIDTH - 6) -> str:
    """As much of it as fits on a line: a path's end, or a source line's beginning."""
    if len(text) <= width:
        return text
    return f"…{text[1 - width :]}" if front else f"{text[: width - 1]}…"


def _counted(row: Any) -> str:
    return f", {row.wrong_elements} of {row.elements} elements" if row.manual is not None else ""


def _facts(link: Judged) -> dict[str, object]:
    quantity, row = link.quantity, link.given or link.row
    place = quantity.place
    return {
        "name": quantity.shown,
        "manual": quantity.manual_name,
        "status": link.status.value,
        "reason": link.reason,
        "diagnosis": asdict(link.diagnosis) if link.diagnosis else None,
        "verdict": row.verdict.value,
        "index": list(row.index),
        "manual_value": _finite(row.manual),
        "reference_value": _finite(row.reference),
        "difference": _finite(row.difference),
        "bound": _finite(row.bound),
        "wrong_elements": row.wrong_elements,
        "elements": row.elements,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "source": place.source if place else None,
        "function": place.function if place else None,
    }


def _finite(value: complex | None) -> complex | str | None:
    """JSON has no NaN and no infinity: their names instead."""
    is_plain = value is None or (not isinstance(value, complex) and abs(value) < float("inf"))
    return value if is_plain else str(value)
