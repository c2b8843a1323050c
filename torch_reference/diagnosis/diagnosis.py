"""What kind of mistake a wrong gradient looks like.

Every candidate says what a derivation with that mistake would return. It is the diagnosis if it is what the
derivation did return at every random point, and can be told from the right gradient at two of them or more.
Whether a gradient is right is never decided here: the likeness below is looser than any rounding.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile

import torch
from torch import Tensor

from torch_reference.diagnosis.candidates import candidates
from torch_reference.diagnosis.diagnosis_kinds import KINDS, PATTERNS
from torch_reference.diagnosis.random_draws import Draw, alike
from torch_reference.judging.derivation_task import Task, cut_point, redrawn
from torch_reference.judging.hygiene import checked_mapping, copies
from torch_reference.judging.report import UNKNOWN, Diagnosis
from torch_reference.judging.scalar_objective import reference_gradients


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
    before, origin = task.point, task.origin or task.point
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
        yield Draw(cut, before, origin, manual, reference, cuts, task.batch(point))
        before = point


def _pattern(drawn: Sequence[Draw], name: str) -> Diagnosis:
    """What the ratio of manual to reference looks like, element by element, where no mistake explains it."""
    pairs = [(draw.manual[name].double(), draw.reference[name].double()) for draw in drawn]
    if any(manual.shape != right.shape or manual.device != right.device for manual, right in pairs):
        return UNKNOWN
    if not all(manual.isfinite().all() for manual, _ in pairs):
        return UNKNOWN
    # An element whose right value is zero tells no factor, and must be zero on both sides.
    if any(bool(((right == 0) & (manual != 0)).any()) for manual, right in pairs):
        return UNKNOWN
    factors = [torch.where(right == 0, torch.nan, manual / right) for manual, right in pairs]
    closeness = torch.finfo(drawn[0].manual[name].dtype).eps ** 0.5
    every = torch.cat([factor[~factor.isnan()] for factor in factors])
    is_right, is_off = (every - 1).abs() <= closeness, every == 0
    if bool((is_right | is_off).all()) and all(bool((factor == 0).any()) for factor in factors):
        return _described("mask") if bool(is_right.any()) else UNKNOWN
    if len(factors) < 3 or bool(is_right.all()):
        return UNKNOWN
    if bool(((every - every[0]).abs() <= closeness * every[0].abs()).all()):
        return _described("constant factor", factor=f"{every[0].item():.6g}")
    if len({factor.shape for factor in factors}) > 1:
        return UNKNOWN
    stacked = torch.stack(factors)
    middle = stacked.nanmedian(0).values
    if bool(((stacked - middle).abs() > closeness * middle.abs().clamp(min=1)).any()):
        return UNKNOWN
    count = int(((middle - 1).abs() > closeness).sum())
    return _described("constant factor per element", count=f"{count} of {middle.numel()}")


def _described(kind: str, **values: str) -> Diagnosis:
    sentence, mend = PATTERNS[kind]
    return Diagnosis(kind, sentence.format(**values), mend)
