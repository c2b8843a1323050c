"""What kind of mistake a wrong gradient looks like.

Every candidate says what a derivation with that mistake would return. It is the diagnosis if it is what the
derivation did return at every random point, and can be told from the right gradient at two of them or more.
Whether a gradient is right is never decided here: the likeness below is looser than any rounding.
"""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, takewhile

from torch import Tensor

from torch_reference.diagnosis.candidates import candidates, of_other_values
from torch_reference.diagnosis.coarse_precision import coarse_precision
from torch_reference.diagnosis.diagnosis_kinds import KINDS
from torch_reference.diagnosis.patterns import constant_factor, pattern
from torch_reference.diagnosis.projection import HALF, projected
from torch_reference.diagnosis.random_draws import Candidate, Draw, alike, off_the_corners
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.derivation_task import Task, cut_point, is_symmetric, redrawn
from torch_reference.judging.hygiene import checked_mapping, copies
from torch_reference.judging.report import UNKNOWN, Diagnosis
from torch_reference.judging.scalar_objective import reference_gradients

Named = tuple[str, str, Candidate]
"""A kind, where, and what a derivation with that mistake would return."""

OF_THE_BATCH = {
    "mean for sum",
    "sum for mean",
    "factor with n",
    "factor 2",
    "factor 1/2",
    "constant factor",
}

BY_HAND = {"derivative at another place", "factor too many", "another forward pass", "another factor"}
"""So many directions that some always fits: of a kernel's 16 bits they tell nothing."""

SYMMETRIC = "So it is of symmetric matrices; of others nothing was seen that explains it."

NO_GRADIENT = Diagnosis(
    UNKNOWN.kind,
    "Autograd has no finite gradient at this point: a slope is infinite there, or a number overflows.",
    "Check at another point; surrogate= of check_function says what is meant at this one.",
)
"""At a kink of infinite slope a derivation is like nothing: 0 and NaN are both a choice."""


def diagnose(task: Task, name: str, draws: int) -> Diagnosis:
    """The mistake that explains the wrong gradient at every draw, or UNKNOWN.

    Of symmetric matrices alone, where nothing explains it at others, as where these are no input.
    """
    found = _diagnosed(task, name, draws)
    if found is not UNKNOWN or not any(map(is_symmetric, task.point.values())):
        return found
    found = _diagnosed(task, name, draws, symmetric=True)
    return found if found is UNKNOWN else replace(found, sentence=f"{found.sentence} {SYMMETRIC}")


def _diagnosed(task: Task, name: str, draws: int, symmetric: bool = False) -> Diagnosis:
    drawn = [draw for draw in _drawn(task, draws, symmetric) if name in draw.manual]
    if not drawn:
        return UNKNOWN
    if not drawn[0].reference[name].isfinite().all():
        return NO_GRADIENT
    likely: list[Named] = []
    every = candidates(task, name, drawn[0]), of_other_values(task, name, drawn[0])
    found = _explained(name, drawn, every, likely)
    if found is UNKNOWN:
        # A number of observations that is written into the code makes any other one another mistake.
        same = [draw for draw in drawn if draw.batch == drawn[0].batch]
        if len(same) < len(drawn):
            found = _explained(name, same, (likely, ()), [])
            if found.kind in OF_THE_BATCH:  # at one number of observations n is a number like others
                return UNKNOWN
    if found is not UNKNOWN:
        return found
    if drawn[0].manual[name].dtype in HALF:
        return _by_projection(task, name, drawn)
    return coarse_precision(task, name, drawn)


def _by_projection(task: Task, name: str, drawn: Sequence[Draw]) -> Diagnosis:
    """The one mistake in whose direction the error lies, though single elements do not show it."""
    every = chain(candidates(task, name, drawn[0]), of_other_values(task, name, drawn[0]))
    known = (each for each in every if each[0] not in BY_HAND)
    found = projected(task, name, drawn, known)
    if found is None:
        return UNKNOWN
    sentence, mend = KINDS[found.kind]
    part, deviation, _ = found.found[0]
    measured = f" By its direction {part:.3f} ± {deviation:.1g} of it is there, whatever elements round."
    where = {"where": found.where}
    return Diagnosis(found.kind, sentence.format(**where) + measured, mend.format(**where))


def _explained(
    name: str, drawn: Sequence[Draw], every: tuple[Iterable[Named], Iterable[Named]], likely: list[Named]
) -> Diagnosis:
    """What all draws show; a plain factor says more than another forward pass does, the second of them."""
    if len(drawn) < 2:
        return UNKNOWN
    before, behind = (partial(_first, name, drawn, each, likely) for each in every)
    return before() or constant_factor(drawn, name) or behind() or pattern(drawn, name)


def _first(name: str, drawn: Sequence[Draw], every: Iterable[Named], likely: list[Named]) -> Diagnosis | None:
    """The first candidate that all draws show; to `likely` goes what the first draw shows."""
    for kind, where, candidate in every:
        # Most candidates fail at the first draw: the others are not computed for them.
        told = list(takewhile(_is_answer, (_tells(_made(candidate, draw), draw, name) for draw in drawn)))
        if told:
            likely.append((kind, where, candidate))
        if len(told) == len(drawn) and sum(map(bool, told)) >= 2:
            sentence, mend = KINDS[kind]
            return Diagnosis(kind, sentence.format(where=where), mend.format(where=where))
    return None


def _made(candidate: Candidate, draw: Draw) -> Tensor | None:
    try:
        return candidate(draw)
    except UserCodeError:  # with such values the reference has none
        return None


def _is_answer(told: bool | None) -> bool:
    return told is not None


def _tells(candidate: Tensor | None, draw: Draw, name: str) -> bool | None:
    """None: not what was returned. Otherwise whether it can be told from what should have been returned."""
    if candidate is None:
        return None
    manual, right = draw.manual[name], draw.reference[name]
    if manual.numel() and not manual.isfinite().any():  # infinity is like nothing else
        return None
    if not alike(manual, candidate.to(manual.dtype)):
        return None
    if alike(candidate, right):
        return False
    return None if _is_further(candidate, right, manual) else True


def _is_further(candidate: Tensor, right: Tensor, manual: Tensor) -> bool:
    """Whether a candidate leaves half of the error: half of the digits of 16 bits are one."""
    if candidate.shape != right.shape:
        return False
    left, error = ((one.double() - manual.double()).norm() for one in (candidate, right))
    return bool(left > error / 2)


class _Last(threading.local):
    """The draws of the task that this thread diagnosed last: its names are diagnosed one after another."""

    task: Callable[[], Task | None] = staticmethod(lambda: None)
    asked = 0, False
    drawn: Sequence[Draw] = ()


_last = _Last()


def _drawn(task: Task, draws: int, symmetric: bool) -> Sequence[Draw]:
    if _last.task() is not task or _last.asked != (draws, symmetric):
        _last.drawn = list(_draws(task, draws, symmetric))
        _last.task, _last.asked = weakref.ref(task, _forget), (draws, symmetric)
    return _last.drawn


def _forget(_task: object) -> None:
    _last.drawn = ()


def _draws(task: Task, draws: int, symmetric: bool) -> Iterator[Draw]:
    before, origin = task.point, task.origin or task.point
    for number in range(draws + 1):
        point = task.point if number == 0 else redrawn(task, number, symmetric)
        if number and number % 2 == 0:
            moved = off_the_corners(task, point, seed=number)
            point = {n: v if symmetric and is_symmetric(v) else moved[n] for n, v in point.items()}
        try:
            manual = checked_mapping(task.derivation(copies(point)))
            shapes = task.shapes(point)
            known = {key: shapes[key] for key in shapes if key in task.required or key in manual}
            cut, cuts = cut_point(task, point, manual)
            reference = reference_gradients(task.objective, cut, known, cuts)
        except Exception:  # both are the user's: at another point either may fail in any way
            continue
        # Outside the reference's domain there is nothing to be like.
        if number == 0 or all(value.isfinite().all() for value in reference.values()):
            yield Draw(cut, before, origin, manual, reference, cuts, task.batch(point), {}, [], [])
            before = point
