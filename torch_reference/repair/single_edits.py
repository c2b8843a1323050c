"""One edit that would make it right: single edits of the wrong line, each tried on the whole gradient."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import CodeType

from torch_reference.repair.anew.rebuilt import Original
from torch_reference.repair.confirmed import NOTHING, Right, confirmed_by
from torch_reference.repair.helpers import helpers_called
from torch_reference.repair.likeliest_line import likeliest_first, unread
from torch_reference.repair.own_time import OwnTime
from torch_reference.repair.screening import Wanted
from torch_reference.repair.search import Repair, Search, Trials
from torch_reference.repair.suspect_lines import suspects

MOST_SECONDS = 3.0
OR = "or, in its place, this one:\n"


@dataclass(frozen=True)
class Repairs:
    """The smallest edits that make all right, and how many were tried, in how many seconds."""

    found: tuple[Repair, ...]
    tried: int
    seconds: float
    complete: bool
    lines: tuple[int, ...] = ()
    """Where the mistake may be, the likeliest first: the wrong line, and those that only it needs."""

    def __str__(self) -> str:
        """The edits as diffs, under the words that say what they are; empty where none was found."""
        if not self.found:
            return ""
        head = f"one edit that would make it right (of {self.tried} tried in {self.seconds:.1f} s):"
        return "\n".join(
            [head, OR.join(repair.diff.rstrip("\n") + "\n" for repair in self.found).rstrip("\n")]
        )


NONE = Repairs((), 0, 0.0, complete=True)


def repairs(
    trials: Trials,
    code: CodeType,
    lines: Sequence[Sequence[int]],
    linked: Collection[str],
    wanted: Wanted | None = None,
    right: Right = NOTHING,
) -> Repairs:
    """The smallest single edits of a line, or of one that only it needs, that make the whole gradient right.

    Each of lines is where one wrong link may have been made; of several links, what all of them need is
    edited. linked are the variables that are judged by themselves, and are right or inherited: their lines
    stay. wanted, where it is known, is what one wrong link should have been: most edits are told off by it.
    right is what is right. Where no edit of theirs fits, every line of the helpers that they call is tried.
    """
    try:
        original = Original(trials.top, code)
        given = code.co_varnames[: code.co_argcount]
        statements = suspects(original.statements(), lines, linked, given)
    except (LookupError, SyntaxError, ValueError, AssertionError):
        return NONE
    here = {place[0] for place in lines}
    forgotten = max(unread(original.statements()).values(), default=None)
    confirmed = confirmed_by(right, original.statements(), here)
    numbers = likeliest_first(statements, here, confirmed, forgotten, right.lines)
    if not (original.can_be_edited and trials.is_on_a_processor):
        return Repairs((), 0, 0.0, complete=True, lines=numbers)
    again = {line for place in lines for line in place[1:]} - here
    search = Search(trials, OwnTime(MOST_SECONDS))
    search.edits(original, statements, here, again, wanted)
    if not search.fitting:
        helpers = helpers_called(original, statements)
        for helper in helpers:
            search.time = OwnTime(MOST_SECONDS / len(helpers))
            search.every_edit(helper)
    return Repairs(tuple(search.fitting), search.tried, search.begun.waited, search.complete, numbers)
