"""Each way of calling judged: what it made must be right at its point, and where it shares one, the same."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from time import thread_time
from typing import NamedTuple

from torch_reference.check.references.as_the_reference import does_the_reference, is_wrong_itself
from torch_reference.check.ways.comparing import findings_of, is_near, is_the_same
from torch_reference.check.ways.elsewhere.domain import add_up_alike, are_finite, is_in_domain, tells_nothing
from torch_reference.check.ways.points import of_those_finite
from torch_reference.check.ways.session import Attempt, Made, Session
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.raised_errors import (
    OtherShapeError,
    UserCodeError,
    is_guard,
    is_out_of_range,
    loses_the_device,
)
from torch_reference.judging.finding import (
    Finding,
    breach,
    is_another_function,
)
from torch_reference.judging.judgement import FORM
from torch_reference.tolerance.differences import adds_up

Way = Callable[[Session], Iterator[Attempt]]
NO_DEVICE = "not judged (no device)"
"""What became of the ways after one that left a GPU in a state in which it does nothing more."""


class WayFound(NamedTuple):
    """What came of one way: "agrees", "fails", "warns", "cannot apply" or "refused"; what failed.

    so_does_the_reference is None where the reference alone is wrong.
    """

    name: str
    status: str
    told: str = ""
    findings: tuple[Finding, ...] = ()
    so_does_the_reference: bool | None = False
    seconds: float = 0.0

    @property
    def loses_the_device(self) -> bool:
        """Whether a GPU cannot be used any more after it."""
        return self.status == NO_DEVICE or any(
            loses_the_device(finding.row.explanation) for finding in self.findings
        )


def run_ways(
    session: Session, ways: Mapping[str, Way], allow: Collection[str] = (), before: Iterable[WayFound] = ()
) -> list[WayFound]:
    """What came of every way; of a way that fails, the first attempt that does is told.

    After one that loses the device none is tried: nothing can be asked there. Where a way has found
    something, before these or among them, what is made of it with another option says no more.
    """
    found: list[WayFound] = []
    seen = {each.name for each in before if each.status in ("fails", "warns")}
    for name, way in ways.items():
        lost = bool(found) and found[-1].loses_the_device
        since = thread_time()
        each = WayFound(name, NO_DEVICE) if lost else run_way(session, name, _without(way, seen), allow)
        found.append(each._replace(seconds=thread_time() - since))
        seen |= {name} if each.status in ("fails", "warns") else set()
    return found


def _without(way: Way, seen: Collection[str]) -> Way:
    return lambda session: (attempt for attempt in way(session) if attempt.also_in not in seen)


def run_way(session: Session, name: str, way: Way, allow: Collection[str] = ()) -> WayFound:
    """Try the way's attempts until one fails."""
    statuses, warned = set(), None
    try:
        for attempt in way(session):
            if warned and attempt.may_refuse and attempt.warns and attempt.on_error != "fails":
                continue  # which could but warn as well
            status, findings = _tried(session, attempt, allow)
            if status == "cannot apply" and (part := of_those_finite(session, attempt)) is not None:
                attempt = part  # of what is judged in its place
                status, findings = _tried(session, attempt, allow)
            tried = partial(_tried, allow=allow)
            same: bool | None = status == "fails" and does_the_reference(
                session, way, attempt, findings, tried
            )
            if same:  # a forward that takes no such call is no mistake, whoever says so
                status = "refused" if findings[0].name == "forward" else "warns"
            if status == "fails" and is_wrong_itself(session, attempt, findings):
                status, same = "warns", None
            if status in ("fails", NO_DEVICE):
                return WayFound(name, status, attempt.what, tuple(findings))
            if status == "warns" and warned is None:
                warned = WayFound(name, status, attempt.what, tuple(findings), same)
            statuses.add(status)
    except Exception as error:  # whatever it is, it says nothing of the function
        if loses_the_device(str(error)):
            return WayFound(name, NO_DEVICE)
        if not isinstance(error, UserCodeError):  # the reference's, while an attempt was made ready
            return warned or WayFound(name, f"not judged ({type(error).__name__})")
    if warned:
        return warned
    order = ("guards", "agrees", "refused")
    status = next((status for status in order if status in statuses), "cannot apply")
    return WayFound(name, "refused" if status == "guards" else status)


def _tried(session: Session, attempt: Attempt, allow: Collection[str]) -> tuple[str, list[Finding]]:
    session = attempt.session or session
    objective = attempt.objective or session.objective
    try:
        made = attempt.call()
    except UserCodeError as error:
        out_of_its_domain = error.part == "forward" and attempt.point is not session.point
        told = [breach(error.part, "call", Verdict.RAISED, str(error))]
        if isinstance(error, OtherShapeError):
            told = [breach(error.part, "output", Verdict.WRONG_SHAPE, str(error))]
        if loses_the_device(str(error)):  # after which nothing can be asked there
            return (NO_DEVICE, []) if out_of_its_domain and is_out_of_range(str(error)) else ("fails", told)
        is_warning = isinstance(error.__cause__, Warning)
        if is_warning or not attempt.counts() or not is_in_domain(attempt, objective, session):
            return "cannot apply", []
        if not attempt.is_smooth():
            return "cannot apply", []
        if attempt.may_refuse or out_of_its_domain:
            if error.part != "backward" or attempt.on_error == "refused":
                return "refused", []
            # What a backward says itself is no oversight; it ends a training all the same.
            return ("warns" if is_guard(error) else attempt.on_error), told
        if attempt.may_guard and error.part == "forward" and is_guard(error):
            return "guards", []
        return "fails", told
    if attempt.point is session.point and is_the_same(made, session.plain):
        return "agrees", []
    outputs = made.outputs
    if attempt.only_finite:
        odd = {name: value for name, value in made.gradients.items() if not value.isfinite().all()}
        if not odd:  # of a function that has another option in mind that says nothing
            return "cannot apply" if attempt.own_values else "agrees", []
        made = Made({} if are_finite(outputs) else outputs, odd)
    if is_near(made, attempt, objective, session):
        return "agrees", []
    if not attempt.counts():
        return "cannot apply", []
    at_a_kink = not attempt.is_smooth()
    if at_a_kink and (attempt.only_smooth or add_up_alike(made.gradients, objective, attempt.point)):
        return "cannot apply", []
    if not all(map(adds_up, made.gradients.values())) and not is_in_domain(attempt, objective, session):
        return "cannot apply", []
    try:
        findings = findings_of(made, attempt, objective, session)
    except UserCodeError:  # the reference has no value near that point
        return "cannot apply", []
    wrong = [finding for finding in findings if not finding.agrees and finding.row.verdict.value not in allow]
    others = [each for each in wrong if each.kind == "output"]
    has_own_values = attempt.warns or attempt.own_values
    is_elsewhere = attempt.point is not session.point  # as it was given it has the form that it had
    if attempt.may_refuse and (
        (others and has_own_values) or (is_elsewhere and any(each.row.verdict in FORM for each in wrong))
    ):
        # Of a gradient of another shape autograd itself would tell, of a pair's nobody does.
        may = others or (attempt.on_error == "refused" and not attempt.warns)
        return ("refused", []) if may else ("fails" if attempt.on_error == "fails" else "warns", wrong)
    if wrong and not is_in_domain(attempt, objective, session):
        return "cannot apply", []
    if at_a_kink:  # where each number is right that lies between the sides, and sums need not vary
        no_pole = are_finite(outputs)
        no_number = {name for name, value in made.gradients.items() if no_pole and not value.isfinite().all()}
        surely = [each for each in wrong if each.row.part or each.name in no_number]
        return ("warns", surely) if surely else ("cannot apply", [])
    is_another = (attempt.own_values and others) or (attempt.resized and is_another_function(wrong))
    if wrong and (attempt.warns or is_another):
        return "warns", wrong
    if wrong and is_elsewhere and tells_nothing(attempt, wrong, session):
        return "warns", wrong
    return ("fails", wrong) if wrong else ("agrees", [])
