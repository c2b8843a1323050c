"""What a derivation with a certain mistake would return, for every mistake that is known here."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.edits import Edit, Editor, edits
from torch_reference.kinds import KINDS
from torch_reference.objective import UPSTREAM, Tensors, reference_gradients
from torch_reference.task import Task


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


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two gradients are the same to half of their digits."""
    if a.shape != b.shape or a.device != b.device:
        return False
    closeness = torch.finfo(a.dtype).eps ** 0.5
    a, b = a.double(), b.double()
    return bool(((a - b).abs() <= closeness * torch.maximum(a.abs(), b.abs())).all())


def candidates(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate), the most specific first."""
    yield "detached", "", partial(_times, name, 0.0)
    yield "wrong sign", "", partial(_times, name, -1.0)
    yield "missing sum over the batch", "", partial(_unsummed, name)
    yield "factor 2", "", partial(_times, name, 2.0)
    yield "factor 1/2", "", partial(_times, name, 0.5)
    yield "mean for sum", "", partial(_times_batch, name, -1)
    yield "sum for mean", "", partial(_times_batch, name, 1)
    yield "transposed", "", partial(_transposed, name)
    for edit in _sorted_edits(task, first):
        yield edit.kind, edit.where, partial(_edited, task, name, edit)
    for other in first.reference:
        if other != name and other not in first.cuts:
            yield "swapped", other, partial(_times, other, 1.0)
    for other in task.required:
        yield "stale value", other, partial(_stale, task, name, other, False)
        yield "taken as zero", other, partial(_stale, task, name, other, True)
    yield "last observation only", "", partial(_rows, task, name, slice(-1, None))
    yield "first observation only", "", partial(_rows, task, name, slice(0, 1))
    yield "last observation left out", "", partial(_rows, task, name, slice(0, -1))


def _times(name: str, factor: float, draw: Draw) -> Tensor:
    return factor * draw.reference[name]


def _times_batch(name: str, power: int, draw: Draw) -> Tensor:
    return draw.reference[name] * float(draw.batch) ** power


def _transposed(name: str, draw: Draw) -> Tensor | None:
    return draw.reference[name].mT if draw.reference[name].ndim == 2 else None


def _unsummed(name: str, draw: Draw) -> Tensor | None:
    manual = draw.manual[name]
    right = draw.reference[name]
    if manual.shape != right.shape and manual.ndim == right.ndim + 1 and alike(manual.sum(0), right):
        return manual
    return None


def _sorted_edits(task: Task, draw: Draw) -> list[Edit]:
    order = list(KINDS)
    recorder: list[Editor] = []

    def record(shifts: Tensors) -> Editor:
        recorder.append(Editor(shifts))
        return recorder[0]

    reference_gradients(task.objective, draw.point, _shapes(draw), draw.cuts, record)
    return sorted(edits(recorder[0].calls, task.parameters), key=lambda edit: order.index(edit.kind))


def _shapes(draw: Draw) -> dict[str, Sequence[int]]:
    return {key: tuple(value.shape) for key, value in draw.reference.items()}


def _edited(task: Task, name: str, edit: Edit, draw: Draw) -> Tensor | None:
    try:
        return reference_gradients(
            task.objective, draw.point, _shapes(draw), draw.cuts, lambda shifts: Editor(shifts, edit)
        )[name]
    except (RuntimeError, IndexError):  # this argument cannot be edited so: a transposed factor does not fit
        return None


def _stale(task: Task, name: str, other: str, zero: bool, draw: Draw) -> Tensor:
    old = torch.zeros_like(draw.point[other]) if zero else draw.before[other]
    point = {**draw.point, other: old}
    # Not cut: a stale value may have gone into any link on the way.
    return reference_gradients(task.objective, point, {name: draw.reference[name].shape})[name]


def _rows(task: Task, name: str, rows: slice, draw: Draw) -> Tensor | None:
    """The gradient of some observations alone, which is a part of the whole where the loss is a sum."""
    if name in task.links or draw.batch < 2 or not task.batched:
        return None

    def sliced(key: str, value: Tensor) -> Tensor:
        return value[rows] if key in task.batched or key.startswith(UPSTREAM) else value

    point = {key: sliced(key, value) for key, value in draw.point.items()}
    try:
        shapes = {name: draw.reference[name].shape}
        return reference_gradients(task.objective, point, shapes, draw.cuts)[name]
    except RuntimeError:  # the rows of this network are no observations: attention looks across them
        return None
