"""What a derivation with a certain mistake would return, for every mistake that is known here."""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from torch_reference.diagnosis.edits.edited_reference import (
    OF_VALUES,
    edited_candidates,
    pairs_of_paths,
    without_a_factor,
)
from torch_reference.diagnosis.edits.further_edits import LATE
from torch_reference.diagnosis.random_draws import Candidate, Draw, alike, differs
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.scalar_objective import UPSTREAM, reference_gradients


def candidates(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate), the most specific first."""
    yield "detached", "", partial(_times, name, 0.0)
    yield "wrong sign", "", partial(_times, name, -1.0)
    yield "missing sum over the batch", "", partial(_unsummed, name)
    yield "factor 2", "", partial(_times, name, 2.0)
    yield "factor 1/2", "", partial(_times, name, 0.5)
    yield "mean for sum", "", partial(_times_batch, name, -1, 1.0)
    yield "sum for mean", "", partial(_times_batch, name, 1, 1.0)
    yield "transposed", "", partial(_transposed, name)
    yield (
        "symmetric part",
        "The mean of it and its transpose is right",
        partial(_of_that_symmetric_part, name),
    )
    yield (
        "symmetric part",
        "It is the mean of the right one and its transpose",
        partial(_symmetric_part, name),
    )
    if not _may_be_clipped(name, first):
        yield "upstream forgotten", "the loss", partial(_ones, name)
    yield from edited_candidates(task, name, first, lambda kind: kind not in LATE | OF_VALUES)
    yield from without_a_factor(task, name, first)
    of_n = ("−1/n", -1.0), ("1/(2n)", 0.5), ("−1/(2n)", -0.5), ("2/n", 2.0), ("−2/n", -2.0)
    for where, factor in of_n if task.batched else ():  # of no observations n is 1
        yield "factor with n", where, partial(_times_batch, name, -1, factor)
    for key in first.point:
        output = key.removeprefix(UPSTREAM)
        if output not in (key, *first.cuts):  # a link that is cut is handed the derivation's own
            yield "upstream itself", output, partial(_given, key)
    yield from _other_values(task, name, first)
    yield "last observation only", "", partial(_rows, task, name, slice(-1, None))
    yield "first observation only", "", partial(_rows, task, name, slice(0, 1))
    yield "first observation left out", "", partial(_rows, task, name, slice(1, None))
    yield "last observation left out", "", partial(_rows, task, name, slice(0, -1))
    yield from pairs_of_paths(task, name, first)
    yield from edited_candidates(task, name, first, lambda kind: kind in LATE - OF_VALUES)


def of_other_values(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate) for every mistake that changes the values behind it, too."""
    return edited_candidates(task, name, first, OF_VALUES.__contains__)


def _other_values(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """What is right of another name, another place, or another time."""
    for dimension, (i, j) in _two_swapped(first.manual[name], first.reference[name]):
        where = f"indices {i} and {j} of dimension {dimension}"
        yield "two indices swapped", where, partial(_exchanged, name, dimension, i, j)
    right = first.reference[name]
    if right.ndim and right.shape[-1] > 1 and right.shape[-1] % 2 == 0:
        for signs in ((1, 1), (-1, 1), (1, -1)):
            yield "halves exchanged", "the last dimension", partial(_halves, name, signs)
    for other in first.reference:
        if other != name and other not in first.cuts:
            yield "swapped", other, partial(_times, other, 1.0)
    every = "every parameter"
    alone = task.required if first.is_small else [name] if name in task.required else []
    for where, others in {every: task.parameters, **{other: [other] for other in alone}}.items():
        as_zero = "taken as zero", where, partial(_at, task, name, others, "zero")
        if where != every and not any(first.origin[other].any() for other in others):
            yield as_zero  # what was zero before may as well be left out
        for when in ("before", "origin"):
            yield "stale value", where, partial(_at, task, name, others, when)
        if where != every:
            yield as_zero


def _times(name: str, factor: float, draw: Draw) -> Tensor:
    return factor * draw.reference[name]


def _ones(name: str, draw: Draw) -> Tensor | None:
    # Where nothing depends on it, there is nothing above it to forget.
    return torch.ones_like(draw.reference[name]) if draw.reference[name].any() else None


def _given(key: str, draw: Draw) -> Tensor | None:
    return draw.point.get(key)


def _may_be_clipped(name: str, first: Draw) -> bool:
    """Whether it is 1, and so is another number: that is no link whose upstream gradient was forgotten."""
    ones = [key for key, value in first.manual.items() if not value.ndim and value.item() == 1]
    return name in ones and len(ones) > 1


def _times_batch(name: str, power: int, factor: float, draw: Draw) -> Tensor:
    return draw.reference[name] * float(draw.batch) ** power * factor


def _transposed(name: str, draw: Draw) -> Tensor | None:
    return draw.reference[name].mT if draw.reference[name].ndim >= 2 else None


def _of_that_symmetric_part(name: str, draw: Draw) -> Tensor | None:
    manual, right = draw.manual[name], draw.reference[name]
    is_square = manual.shape == right.shape and right.ndim > 1 and right.shape[-1] == right.shape[-2]
    return manual if is_square and alike((manual + manual.mT) / 2, right) else None


def _symmetric_part(name: str, draw: Draw) -> Tensor | None:
    right = draw.reference[name]
    is_square = right.ndim > 1 and right.shape[-1] == right.shape[-2]
    return (right + right.mT) / 2 if is_square else None


def _unsummed(name: str, draw: Draw) -> Tensor | None:
    manual = draw.manual[name]
    right = draw.reference[name]
    one_each = manual.ndim == right.ndim + 1 and len(manual) > 1
    if manual.shape != right.shape and one_each and alike(manual.sum(0), right):
        return manual
    return None


def _two_swapped(manual: Tensor, right: Tensor) -> Iterator[tuple[int, list[int]]]:
    """(dimension, the two indices) where the gradients differ at two indices of that dimension only."""
    if manual.shape != right.shape or manual.device != right.device:
        return
    unlike = differs(manual, right)
    for dimension in range(right.ndim):
        where = unlike.movedim(dimension, 0).flatten(1).any(1) if right.ndim > 1 else unlike
        indices = where.nonzero().flatten().tolist()
        if len(indices) == 2:
            yield dimension, indices


def _exchanged(name: str, dimension: int, i: int, j: int, draw: Draw) -> Tensor:
    right = draw.reference[name]
    order = list(range(right.shape[dimension]))
    order[i], order[j] = order[j], order[i]
    return right.index_select(dimension, torch.tensor(order, device=right.device))


def _halves(name: str, signs: tuple[int, int], draw: Draw) -> Tensor:
    one, other = draw.reference[name].chunk(2, -1)
    return torch.cat([signs[0] * other, signs[1] * one], -1)


def _at(task: Task, name: str, others: Sequence[str], when: str, draw: Draw) -> Tensor:
    """The gradient with other values of some parameters: those of `when`.

    One run of the reference is of all names, of which each asks for the same.
    """
    key = (when, *others)
    if key in draw.remembered:
        return (draw.remembered[key] or {})[name]
    earlier = {"before": draw.before, "origin": draw.origin}.get(when)
    values = {other: earlier[other] if earlier else torch.zeros_like(draw.point[other]) for other in others}
    known = draw.reference if draw.is_small else {name: draw.reference[name]}
    shapes = {each: tuple(value.shape) for each, value in known.items()}
    # Not cut: such a value may have gone into any link on the way.
    found = reference_gradients(task.objective, {**draw.point, **values}, shapes)
    if draw.is_small:
        draw.remembered[key] = found
    return found[name]


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
