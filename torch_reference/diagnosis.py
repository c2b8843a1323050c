"""What kind of mistake a wrong gradient looks like.

Every candidate says what a derivation with that mistake would return. It is the diagnosis if it is what the
derivation did return at every random point, and can be told from the right gradient at two of them or more.
Whether a gradient is right is never decided here: the likeness below is looser than any rounding.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.edits import Edit, Editor, edits
from torch_reference.hygiene import checked_mapping, copies
from torch_reference.kinds import KINDS, PATTERNS
from torch_reference.objective import UPSTREAM, Tensors, reference_gradients
from torch_reference.report import UNKNOWN, Diagnosis
from torch_reference.task import Task, cut_point, redrawn


class Draw(NamedTuple):
    """One random point: what the derivation returned there, and what it should have returned."""

    point: Tensors
    before: Tensors
    manual: Tensors
    reference: Tensors
    cuts: Sequence[str]
    batch: int


Candidate = Callable[[Draw], Tensor | None]
"""What a derivation that makes a certain mistake would return; None where it cannot be made."""


def diagnose(task: Task, name: str, draws: int) -> Diagnosis:
    """The mistake that explains the wrong gradient at every draw, or UNKNOWN."""
    drawn = list(_draws(task, name, draws))
    if len(drawn) < 2:
        return UNKNOWN
    for kind, where, candidate in _candidates(task, name, drawn[0]):
        told = [_tells(candidate(draw), draw, name) for draw in drawn]
        if None not in told and sum(bool(answer) for answer in told) >= 2:
            sentence, mend = KINDS[kind]
            return Diagnosis(kind, sentence.format(where=where), mend.format(where=where))
    return _pattern(drawn, name)


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two gradients are the same to half of their digits."""
    if a.shape != b.shape:
        return False
    closeness = torch.finfo(a.dtype).eps ** 0.5
    a, b = a.double(), b.double()
    return bool(((a - b).abs() <= closeness * torch.maximum(a.abs(), b.abs())).all())


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


def _candidates(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate), the most specific first."""
    yield "detached", "", lambda draw: torch.zeros_like(draw.reference[name])
    yield "wrong sign", "", lambda draw: -draw.reference[name]
    yield "missing sum over the batch", "", lambda draw: _unsummed(draw, name)
    yield "factor 2", "", lambda draw: 2 * draw.reference[name]
    yield "factor 1/2", "", lambda draw: draw.reference[name] / 2
    yield "mean for sum", "", lambda draw: draw.reference[name] / draw.batch
    yield "sum for mean", "", lambda draw: draw.reference[name] * draw.batch
    yield "transposed", "", lambda draw: draw.reference[name].mT if draw.reference[name].ndim == 2 else None
    for other in first.reference:
        if other != name and other not in first.cuts:
            yield "swapped", other, lambda draw, other=other: draw.reference[other]  # type: ignore[misc]
    for edit in _sorted_edits(task, name, first):
        yield edit.kind, edit.where, lambda draw, edit=edit: _edited(task, draw, name, edit)  # type: ignore[misc]
    for other in (key for key in task.point if key in task.required):
        yield "stale value", other, lambda draw, other=other: _stale(task, draw, name, other, draw.before)  # type: ignore[misc]
        zero = {other: torch.zeros_like(task.point[other])}
        yield (
            "taken as zero",
            other,
            lambda draw, other=other, zero=zero: _stale(task, draw, name, other, zero),
        )  # type: ignore[misc]
    yield "last observation only", "", lambda draw: _rows(task, draw, name, slice(-1, None))
    yield "first observation only", "", lambda draw: _rows(task, draw, name, slice(0, 1))
    yield "last observation left out", "", lambda draw: _rows(task, draw, name, slice(0, -1))


def _unsummed(draw: Draw, name: str) -> Tensor | None:
    manual = draw.manual[name]
    right = draw.reference[name]
    if manual.shape != right.shape and manual.ndim == right.ndim + 1 and alike(manual.sum(0), right):
        return manual
    return None


def _sorted_edits(task: Task, name: str, draw: Draw) -> list[Edit]:
    order = list(KINDS)
    recorder: list[Editor] = []

    def record(shifts: Tensors) -> Editor:
        recorder.append(Editor(shifts))
        return recorder[0]

    reference_gradients(task.objective, draw.point, _shapes(draw, name), draw.cuts, record)
    return sorted(edits(recorder[0].calls), key=lambda edit: order.index(edit.kind))


def _shapes(draw: Draw, name: str) -> dict[str, Sequence[int]]:
    return {key: tuple(value.shape) for key, value in draw.reference.items()}


def _edited(task: Task, draw: Draw, name: str, edit: Edit) -> Tensor | None:
    try:
        return reference_gradients(
            task.objective, draw.point, _shapes(draw, name), draw.cuts, lambda shifts: Editor(shifts, edit)
        )[name]
    except (RuntimeError, IndexError):  # this argument cannot be edited so: a transposed factor does not fit
        return None


def _stale(task: Task, draw: Draw, name: str, other: str, old: Tensors) -> Tensor | None:
    if other not in old or old[other].shape != draw.point[other].shape:
        return None
    point = {**draw.point, other: old[other]}
    # Not cut: a stale value may have gone into any link on the way.
    return reference_gradients(task.objective, point, {name: draw.reference[name].shape})[name]


def _rows(task: Task, draw: Draw, name: str, rows: slice) -> Tensor | None:
    """The gradient of some observations alone, which is a part of the whole where the loss is a sum."""
    if name in task.links or draw.batch < 2 or not task.batched:
        return None

    def sliced(key: str, value: Tensor) -> Tensor:
        return value[rows] if key in task.batched or key.startswith(UPSTREAM) else value

    point = {key: sliced(key, value) for key, value in draw.point.items()}
    return reference_gradients(task.objective, point, {name: draw.reference[name].shape}, draw.cuts)[name]


def _pattern(drawn: Sequence[Draw], name: str) -> Diagnosis:
    """What the ratio of manual to reference looks like, element by element, where no mistake explains it."""
    if any(draw.manual[name].shape != draw.reference[name].shape for draw in drawn):
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
