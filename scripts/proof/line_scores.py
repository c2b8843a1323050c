"""Wrong lines in published backwards: how often the line, the kind and an edit are told, and told rightly."""

from collections.abc import Iterable
from typing import NamedTuple

from catalogue.lines.line_mistakes import LineMistake
from catalogue.lines.line_trials import said_of, shows


class LineScore(NamedTuple):
    """Of so many mistakes: the line named, the kind right or another, an edit shown, one that fails.

    of_two counts those whose line is the one named, or the other one where the report names two.
    """

    mistakes: int = 0
    line: int = 0
    of_two: int = 0
    kind: int = 0
    other_kind: int = 0
    edit: int = 0
    bad_edit: int = 0
    missed: tuple[str, ...] = ()

    def facts(self) -> dict[str, object]:
        """For machines."""
        return {**self._asdict(), "missed": list(self.missed)}


def line_score(mistakes: Iterable[LineMistake]) -> LineScore:
    """Let the check say what it says of each; what raises an error or shows nowhere is no such mistake."""
    score = LineScore()
    for mistake in mistakes:
        if not shows(mistake):
            continue
        said = said_of(mistake)
        unknown = said.kind == "unknown"
        is_whole = said.line and said.kind_is_right and said.mends
        told = f"{mistake.subject}, line {mistake.line}: {mistake.wrong} ({said.kind})"
        score = LineScore(
            score.mistakes + 1,
            score.line + said.line,
            score.of_two + said.line_of_two,
            score.kind + said.kind_is_right,
            score.other_kind + (not unknown and not said.kind_is_right),
            score.edit + (said.mends is not None),
            score.bad_edit + (said.mends is False),
            score.missed if is_whole else (*score.missed, told),
        )
    return score
