"""A report with places: the links inside the user's code, the wrong line, and the edit that mends it."""

import linecache
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from torch_reference.chain.picture import draw_chain, picture_html
from torch_reference.chain.quantity import Place, Quantity
from torch_reference.chain.report import ChainReport
from torch_reference.chain.verdict import Status
from torch_reference.judging.report import Diagnosis, Report
from torch_reference.judging.report_text import wrapped
from torch_reference.repair.single_edits import NONE, Repairs

MOST_LINES = 8


@dataclass(frozen=True, repr=False)
class LocatedReport(Report):
    """A report of a mismatch, the links inside the user's code, and the edits that would make it right."""

    inside: ChainReport | None = None
    repairs: Repairs = NONE

    @property
    def line(self) -> Place | None:
        """The line that is wrong, or the likelier one of two; None where nothing tells."""
        return self.lines[0] if self.lines else None

    @property
    def lines(self) -> tuple[Place, ...]:
        """The line that is wrong; two where each can be, the likelier first.

        Two where an edit of either makes the whole gradient right, or where no edit does and the wrong link
        needs what nothing else needs: then that line of them on which there is most to get wrong.
        """
        places = self._places()
        if not places:
            return ()
        if self.repairs.found:
            return tuple(
                _at(replace(places[0], file=repair.file), repair.line) for repair in self.repairs.found
            )
        numbers = list(self.repairs.lines[:1]) + [place.line for place in places if len(places) == 1]
        numbers = self._certain() + numbers
        return tuple(_at(places[0], number) for number in dict.fromkeys(numbers))

    def _places(self) -> list[Place]:
        wrong = self.inside.wrong if self.inside is not None else ()
        return list(dict.fromkeys(link.quantity.place for link in wrong if link.quantity.place))

    def _certain(self) -> list[int]:
        """The line that adds something wrong, or returns what is right as the gradient of another input."""
        links = self.inside.links if self.inside is not None else ()
        right = [link.quantity for link in links if link.status is Status.RIGHT]
        wrong = [link.quantity for link in links if link.status is Status.WRONG and link.quantity.place]
        found = [one.place.line for one in wrong if one.is_increment or _is_returned_for(one, right)]  # type: ignore[union-attr] # they have one
        return found if len(found) == 1 else []

    def told(self) -> Diagnosis | None:
        """What is known of the one wrong line: by its link, or by the edit that mends it."""
        wrong = self.inside.wrong if self.inside is not None else ()
        kinds = {link.diagnosis for link in wrong}
        if self.line is None or not wrong:
            return None
        [*told] = kinds
        is_its_line = self.line == wrong[0].quantity.place or not self.repairs.found
        if len(told) == 1 and told[0] is not None and is_its_line and not self._is_of_one_point(told[0]):
            where = wrong[0].quantity.manual_name
            return replace(told[0], sentence=f"In {where}: {told[0].sentence}")
        if not self.repairs.found:
            return None
        first = self.repairs.found[0]
        before, after = first.before.strip(), first.after.strip()
        sentence = f"Line {first.line} is right with `{after}` where `{before}` is now."
        if not before or not after:
            sentence = f"Line {first.line} is right with" + (f" `{after}`." if after else f"out `{before}`.")
        return Diagnosis(first.what, sentence, "The edit below was tried on the whole gradient.")

    def _is_of_one_point(self, told: Diagnosis) -> bool:
        """Whether a factor is none at other points: what is returned was seen there, where digits tell."""
        wrong = self.inside.wrong if self.inside is not None else ()
        is_returned = any(link.quantity.returned for link in wrong)
        return told.kind == "constant factor" and is_returned and "16" not in self.dtype

    @property
    def fix(self) -> str:
        """The smallest edit's diff."""
        return self.repairs.found[0].diff if self.repairs.found else ""

    def explain(self, *names: str) -> str:
        """The right derivative of links inside the code, of the wrong ones if none is named."""
        return self.inside.explain(*names) if self.inside is not None else ""

    def draw(self, path: str) -> None:
        """Draw the chain of local variables."""
        if self.inside is None:
            return super().draw(path)
        return draw_chain(self.inside, path)

    def _repr_html_(self) -> str:
        """The table, and the chain's picture below it."""
        return super()._repr_html_() + (picture_html(self.inside) if self.inside is not None else "")

    def to_dict(self) -> dict[str, object]:
        """Everything, for machines."""
        found = super().to_dict()
        if self.inside is not None:
            found["inside"] = self.inside.to_dict()
        line = self.line
        found["file"], found["line"] = (line.file, line.line) if line else (None, None)
        found["lines"] = [place.line for place in self.lines]
        found["edits"] = [repair._asdict() for repair in self.repairs.found]
        found["edits_tried"], found["edits_seconds"] = self.repairs.tried, self.repairs.seconds
        return found

    def __str__(self) -> str:
        """The report, the chain of local variables behind it, and the edit: 80 columns but for code."""
        parts = [super().__str__()]
        if self.inside is not None and self.inside.wrong:
            parts.append(f"in your code, from the loss backwards:\n\n{self.inside.text()}")
            parts += [*self._recomputed(), *self._other_lines()]
        elif self.inside is not None and self.inside.note:
            parts.append(f"in your code: {self.inside.note}")
        return "\n\n".join([*parts, *([str(self.repairs)] if self.repairs.found else [])])

    def _recomputed(self) -> list[str]:
        """What is made again of the forward pass, and is not what it was: a fact, and no blame."""
        found = [f"{name} (line {place.line})" for name, place in self.inside.recomputed]  # type: ignore[union-attr]
        return (
            ["\n".join(wrapped(f"not as in the forward pass: {', '.join(found)}", "    "))] if found else []
        )

    def _other_lines(self) -> list[str]:
        """Where else the mistake may be, if no edit tells."""
        wrong = {place.line for place in self._places()}
        others = [str(line) for line in self.repairs.lines if line not in wrong]
        if self.repairs.found or not others or len(others) > MOST_LINES:
            return []
        likeliest = self.repairs.lines[0]
        if likeliest in wrong or self._certain():
            return [f"or on a line that only it needs: {', '.join(sorted(others, key=int))}"]
        rest = ", ".join(sorted(others[1:], key=int))
        return [f"likelier on line {likeliest}, that only it needs" + (f"; or on {rest}" if rest else "")]


def _is_returned_for(one: Quantity, right: Sequence[Quantity]) -> bool:
    """Whether a return hands it out as another gradient than the one that it is, and is right as."""
    if not one.returned or one.place is None or not one.place.source.startswith("return"):
        return False
    return any(other.edge != one.edge and torch.equal(other.manual, one.manual) for other in right)


def _at(place: Place, line: int) -> Place:
    """Another line of the same code."""
    if line == place.line and place.source == linecache.getline(place.file, line).strip():
        return place
    return replace(place, line=line, source=linecache.getline(place.file, line).strip())
