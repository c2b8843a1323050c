"""What kind of mistake a wrong gradient looks like.

Every candidate says what a derivation with that mistake would return. It is the diagnosis if it is what the
derivation did return at every random point, and can be told from the right gradient at two of them or more.
Whether a gradient is right is never decided here: the likeness below is looser than any rounding.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile

import torch
from torch import Tensor

from torch_reference.candidates import Draw, alike, candidates
from torch_reference.hygiene import checked_mapping, copies
from torch_reference.kinds import KINDS, PATTERNS
from torch_reference.objective import reference_gradients
from torch_reference.report import UNKNOWN, Diagnosis
from torch_reference.task import Task, cut_point, redrawn


def diagnose(task: Task, name: str, draws: int) -> Diagnosis:
    """The mistake that explains the wrong gradient at every draw, or UNKNOWN."""
    drawn = list(_draws(task, name, draws))
    if len(drawn) < 2:
        return UNKNOWN
    for kind, where, candidate in candidates(task, name, drawn[0]):
        # Most candidates fail at the first draw: the others are not computed for them.
        told = list(takewhile(_is_answer, (_tells(candidate(draw), draw, name) for draw in drawn)))
        if len(told) == len(drawn) and sum(map(bool, told)) >= 2:
            sentence, mend = KINDS[kind]
            return Diagnosis(kind, sentence.format(where=where), mend.format(where=where))
    return _pattern(drawn, name)


def _is_answer(told: bool | None) -> bool:
    return told is not None


def _tells(candidate: Tensor | None, draw: Draw, name: str) -> bool | None:
    """None: not what was returned. Otherwise whether it can be told from what should have been returned."""
    if candidate is None or not alike(draw.manual[name], candidate.to(draw.manual[name].dtype)):
        return None
    return not alike(candidate, draw.reference[name])


def _draws(task: Task, name: str, draws: int) -> Iterator[Draw]:
    before = task.point
    for number in range(draws + 1):
        point = task.point if number == 0 else redrawn(task, seed=number)
        try:
            manual = checked_mapping(task.derivation(copies(point)))
        except Exception:  # the derivation is the user's: at another batch size it may fail in any way
            continue
        if name not in manual:
            continue
        shapes = task.shapes(point)
        known = {key: shapes[key] for key in shapes if key in task.required or key in manual}
        cut, cuts = cut_point(task, point, manual)
        reference = reference_gradients(task.objective, cut, known, cuts)
        yield Draw(cut, before, manual, reference, cuts, task.batch(point))
        before = point


def _pattern(drawn: Sequence[Draw], name: str) -> Diagnosis:
    """What the ratio of manual to reference looks like, element by element, where no mistake explains it."""
    pairs = [(draw.manual[name], draw.reference[name]) for draw in drawn]
    if any(manual.shape != right.shape or manual.device != right.device for manual, right in pairs):
        return UNKNOWN
    factors = []
    for draw in drawn:
        reference = draw.reference[name].double()
        # An element whose right value is zero has no factor: it must be zero on both sides.
        factor = torch.where(reference == 0, 1.0, draw.manual[name].double() / reference)
        if not factor.isfinite().all() or bool(((reference == 0) & (draw.manual[name] != 0)).any()):
            return UNKNOWN
        factors.append(factor)
    closeness = torch.finfo(drawn[0].manual[name].dtype).eps ** 0.5
    right = [(factor - 1).abs() <= closeness for factor in factors]
    off = [factor == 0 for factor in factors]
    masked = all(bool((r | o).all()) and bool(o.any()) for r, o in zip(right, off, strict=True))
    if masked and any(bool(r.any()) for r in right):
        return Diagnosis("mask", *PATTERNS["mask"])
    if len({factor.shape for factor in factors}) > 1 or len(factors) < 3:
        return UNKNOWN
    spread = (torch.stack(factors) - factors[0]).abs().amax(0)
    if bool((spread > closeness * factors[0].abs().clamp(min=1)).any()):
        return UNKNOWN
    first = factors[0].flatten()[0]
    if bool(((factors[0] - first).abs() <= closeness).all()):
        sentence, mend = PATTERNS["constant factor"]
        return Diagnosis("constant factor", sentence.format(factor=f"{first.item():.6g}"), mend)
    count = f"{int((~right[0]).sum())} of {factors[0].numel()}"
    sentence, mend = PATTERNS["constant factor per element"]
    return Diagnosis("constant factor per element", sentence.format(count=count), mend)
