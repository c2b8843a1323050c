"""The ways that go to other points, in a process of their own: there a function may end it.

One that does not look reads what is not there, where there is no row, or an index is made of a number that is
a thousand times as large.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from math import inf

from torch import Tensor

from torch_reference.check.references.as_the_reference import as_the_reference
from torch_reference.check.ways.elsewhere.own_process import Ended, Say, may_part, said_apart
from torch_reference.check.ways.running import Way, WayFound, run_ways
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.finding import breach
from torch_reference.judging.scalar_objective import UPSTREAM, reference_gradients
from torch_reference.repair.own_time import OwnTime

BY_CHANCE = "by chance"
MOST_SECONDS = 60.0
"""Who calls a slow function some hundred times is not waited for."""


def run_ways_apart(session: Session, ways: Mapping[str, Way], allow: Collection[str]) -> list[WayFound]:
    """What came of every way, as run_ways has it, in another process where need be."""
    found: dict[str, WayFound] = {}
    ends: dict[str, list[WayFound]] = {}
    rest = dict(ways) if is_parted(session) else {}
    while rest:
        came, what, how = _until_it_ends(session, rest, allow, found.values())
        found |= {each.name: each for each in came}
        rest = {name: way for name, way in rest.items() if name not in found}
        if not how:
            break
        name = next(iter(rest))
        if (end := _of_the_end(session, name, rest[name], what, how)) is None:
            rest = {}
        elif what and end.status != "fails":
            ends.setdefault(name, []).append(end)
            rest[name] = _without(rest[name], what)
        else:
            found[name] = end
            del rest[name]
    here = {name: rest.get(name, way) for name, way in ways.items() if name not in found}
    found |= {each.name: each for each in run_ways(session, in_time(here), allow, list(found.values()))}
    for name, each in ends.items():
        if found[name].status not in ("fails", "warns"):
            found[name] = next((end for end in each if end.status == "warns"), found[name])
    return [found[name] for name in ways]


class TooSlow(Exception):  # noqa: N818 # the report says so: not judged (TooSlow)
    """All ways have taken so long together that no other call is made."""


def in_time(ways: Mapping[str, Way]) -> dict[str, Way]:
    """The same, which raise TooSlow where the time of all of them together is over."""
    time = OwnTime(MOST_SECONDS)

    def limited(way: Way) -> Way:
        def until_it_is_over(session: Session) -> Iterator[Attempt]:
            for attempt in way(session):
                if time.is_over():
                    raise TooSlow
                yield attempt

        return until_it_is_over

    return {name: limited(way) for name, way in ways.items()}


def is_parted(session: Session) -> bool:
    """Whether what is tried at other points is tried in a process of its own.

    Where it or its reference does something that may not look at what it is given, or cannot be watched.
    """
    may_end = session.foreign.is_seen or any(seen.is_unlooked for seen in session.watched or ())
    return (may_end or session.watched is None) and may_part(session.point)


def _until_it_ends(
    session: Session, ways: Mapping[str, Way], allow: Collection[str], before: Iterable[WayFound]
) -> tuple[list[WayFound], str, str]:
    """(what came of the first ways, the attempt that was the last, how the process ended before its time)."""

    def work(say: Say) -> None:
        done = list(before)
        for name, way in in_time(ways).items():
            done += run_ways(session, {name: _announced(way, say)}, allow, done)
            say(done[-1])

    came, what, how = [], "", ""
    for said in said_apart(work):
        if isinstance(said, WayFound):
            came.append(said)
        elif isinstance(said, Ended):
            how = said.how
        else:
            what = said
    return came, what, how


def _announced(way: Way, say: Say) -> Way:
    """The same, which says what each attempt is before it is made, and nothing when it is over."""

    def announced(session: Session) -> Iterator[Attempt]:
        for attempt in way(session):
            say(attempt.what)
            yield attempt
            say("")

    return announced


def _without(way: Way, what: str) -> Way:
    return lambda session: (attempt for attempt in way(session) if attempt.what != what)


def _of_the_end(session: Session, name: str, way: Way, what: str, how: str) -> WayFound | None:
    """What a process ended of: the function, at a call that the reference survives, or nobody knows.

    None where it ends of the call that was given, too, which it has survived here: the threads of a library,
    as numba's, are not there in another process. Of two threads the reference is none.
    """

    def work(say: Say) -> None:
        session.differentiated(session.point)
        say("survived")
        attempt = next(each for each in way(session) if what and each.what == what)
        if attempt.by_chance:
            say(BY_CHANCE)
            return
        own, objective = attempt.session or session, attempt.objective or session.objective
        names = {name: tuple(attempt.point[name].shape) for name in own.wanted}
        reference_gradients(objective, attempt.point, names)
        status = "fails" if attempt.on_error == "fails" else "warns"
        if attempt.point is session.point and not attempt.may_refuse:
            say(("backward", "warns"))  # of which the reference ends, too
            _as_the_reference_is(session, way, what)
            status = "fails"
        say(("forward", status))
        _outputs(own, attempt.point)
        say(("backward", status))
        attempt.call()

    said = list(said_apart(work))
    if said and isinstance(said[0], Ended):
        return None
    if said[-1:] == [BY_CHANCE]:
        said += [("call", "fails"), Ended(how)]
    if len(said) < 3 or not isinstance(said[-1], Ended):
        return WayFound(name, f"not judged ({how} where the reference is asked)")
    part, status = said[-2]
    told = f"the process ends by {said[-1].how}"
    # No smaller input is sought: that would be done in this process.
    return WayFound(name, status, what, (breach(part, "call", Verdict.RAISED, told),), seconds=inf)


def _as_the_reference_is(session: Session, way: Way, what: str) -> None:
    """Call the reference in the same way; what it raises there is its own."""
    with suppress(UserCodeError):
        found = as_the_reference(session, way, what)
        if found is not None:
            found[1].call()


def _outputs(session: Session, point: Mapping[str, Tensor]) -> None:
    session.function.outputs({key: value for key, value in point.items() if not key.startswith(UPSTREAM)}, ())
