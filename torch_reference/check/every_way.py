"""A function that is right as it was given, called in every other way: at its point, or at few rows of it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from torch_reference.check.as_given import AsGiven
from torch_reference.check.few_rows import few_rows
from torch_reference.check.ways.elsewhere.apart import is_parted, run_ways_apart
from torch_reference.check.ways.elsewhere.own_process import Ended, said_apart
from torch_reference.check.ways.running import WayFound, run_ways
from torch_reference.check.ways.second_order import second_derivative
from torch_reference.check.ways.session import Session
from torch_reference.check.ways.shown.pasted_call import pasted_call, unbroken
from torch_reference.check.ways.shown.smallest_input import Shrinking, smallest_inputs
from torch_reference.check.ways.table import COSTLY, Way
from torch_reference.comparison import Verdict
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.quiet import unwarned
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.calls.really import is_tensor
from torch_reference.judging.finding import is_another_function
from torch_reference.judging.headings import some
from torch_reference.judging.report import Finding, Report
from torch_reference.judging.report_text import SHOWN
from torch_reference.tolerance.own_code.foreign import looking_for_foreign_code


class Asked(NamedTuple):
    """What a check is asked: the ways, the order of derivatives, and how the call is written again.

    head and tail are what stands before and after the arguments of check_function; without a head nothing is
    written.
    """

    ways: Mapping[str, Way]
    order: int | None
    seed: int
    head: str = ""
    tail: str = ""


def in_every_way(session: Session, as_given: AsGiven, report: Report, asked: Asked, on: str = "") -> Report:
    """The report, and what came of every other way of calling; on is the part of the point that they see."""
    with looking_for_foreign_code() as found_out:
        plain = session.first()
    session = replace(session, plain=plain, foreign=found_out)
    with unwarned():  # at sizes and points of ours
        found = run_ways_apart(session, asked.ways, as_given.allow)
    if any(way.loses_the_device for way in found):
        return with_ways(report, found, [], asked.order, on)
    last = {"second derivative": second_derivative}
    second = [] if asked.order == 1 else run_ways(session, last, as_given.allow)
    report = with_ways(report, found, second, asked.order, on)
    failing = [way for way in found if way.status == "fails"]
    if not failing or not as_given.draws or not asked.head:
        return report
    smallest = partial(_smallest, session, replace(as_given, draws=0), failing, asked)
    if not is_parted(session):
        return replace(report, smallest=smallest())
    said = list(said_apart(lambda say: say(smallest())))  # at smaller inputs it may end the process
    return report if not said or isinstance(said[0], Ended) else replace(report, smallest=said[0])


def _smallest(
    session: Session, as_given: AsGiven, failing: list[WayFound], asked: Asked
) -> tuple[tuple[str, ...], ...]:
    """For each input that was found, the ways that it shows, and the call in lines that can be pasted."""
    shrinking = Shrinking(session, lambda point: as_given.check(point).agrees, as_given.allow, asked.seed)
    found = smallest_inputs(shrinking, [(way, asked.ways[way.name]) for way in failing])
    shown: list[tuple[str, ...]] = []
    for small in {id(inputs): inputs for inputs in found.values()}.values():
        names = [name for name, inputs in found.items() if inputs is small]
        tail = f"{asked.tail}ways={unbroken(names)}"
        lines = pasted_call(asked.head, session.arguments, small, tail)
        shown += [(", ".join(names), *lines)] if lines else []
    return tuple(shown)


def with_ways(
    report: Report, found: list[WayFound], second: list[WayFound], order: int | None, on: str = ""
) -> Report:
    """The report with the ways; the first that fails is shown."""
    warnings = [_of_the_way(way) for way in found if way.status == "warns"]
    if order == 2:
        found = found + second
    elif second and second[0].status == "fails":
        warnings += _of_the_second(second[0].findings[0])
    ways = tuple((way.name, way.status) for way in found)
    report = replace(report, ways=ways, ways_on=on, warnings=tuple(warnings))
    failing = [way for way in found if way.status == "fails"]
    if not failing:
        return report
    first = failing[0]
    wrong = {finding.name for finding in first.findings}
    right = [finding for finding in report.findings if finding.name not in wrong]
    return replace(report, findings=(*first.findings, *right), note=first.told)


def _of_the_way(way: WayFound) -> str:
    """What to warn of; of an error that the reference raises as well, as that of torch's own backward."""
    first = way.findings[0]
    if first.row.verdict is Verdict.RAISED:
        same = ", as the reference's does" if way.so_does_the_reference else ""
        return f"{way.told} the {first.name} raises an error{same}: {first.row.explanation}"
    names = some([each.name for each in way.findings], SHOWN)
    if way.so_does_the_reference is None:
        return f"{way.told} the reference's gradient is not that of its own values: {names}"
    if way.so_does_the_reference:
        return f"{way.told} it returns others than as it was given, and so does the reference: {names}"
    if all(each.row.part for each in way.findings):
        told = "each number may be right, but not their sum, as where each of equal maxima gets all"
        return f"{way.told} {told}: {names}"
    odd = {each.row.verdict.value for each in way.findings}
    if odd <= {Verdict.NAN.value, Verdict.INFINITE.value}:
        return f"{way.told} it returns {' and '.join(sorted(odd))} where the reference has a number: {names}"
    return f"{way.told} it returns others than the reference: {names}"


def _of_the_second(finding: Finding) -> list[str]:
    """What to warn of; of nothing where once_differentiable says so itself."""
    told = finding.row.explanation
    if finding.row.verdict is Verdict.RAISED:
        return [] if "once_differentiable" in told else [f"there is no second derivative: {told}"]
    return [f"the second derivative is wrong: {finding.name}"]


def on_few_rows(session: Session, as_given: AsGiven, report: Report, asked: Asked) -> Report:
    """The same at a few rows; where there are none such, the whole point in the ways that share it."""
    try:
        asked_of = (session.objective, session.point, session.wanted, asked.seed)
        point = few_rows(*asked_of, function=session.function)
        here = as_given.check(point, beside=True, coarsely=True) if point else None
    except UserCodeError:
        point = here = None
    if point is None or here is None or not here:
        wrong = [finding for finding in here.findings if not finding.agrees] if here else []
        if wrong and not is_another_function(wrong) and not any(each.is_breach for each in wrong):
            failing = WayFound("few rows", "fails", "with few rows", tuple(wrong))
            return with_ways(report, [failing], [], asked.order, _parts(point or {}, session.point))
        report = as_given.check(session.point)  # twice, which a part of it could not be
        if not report:
            return report
        kept = {name: way for name, way in asked.ways.items() if name not in COSTLY}
        asked = asked._replace(ways=kept, order=asked.order if asked.order == 2 else 1, head="")
        return in_every_way(session, as_given, report, asked)
    return in_every_way(replace(session, point=point), as_given, report, asked, _parts(point, session.point))


def _parts(point: Tensors, given: Tensors) -> str:
    """The sizes of the inputs of which the ways saw a part."""
    sizes = [
        f"{name} {' x '.join(map(str, value.shape)) or 'a number'}"
        for name, value in point.items()
        if name.startswith("inputs[") and is_tensor(value) and value.shape != given[name].shape
    ]
    return some(sizes, SHOWN)
