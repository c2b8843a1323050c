"""What a derivation would return that makes a mistake at one call of the forward pass."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

from torch import Tensor

from torch_reference.diagnosis.diagnosis_kinds import KINDS
from torch_reference.diagnosis.random_draws import Candidate, Draw, alike
from torch_reference.diagnosis.reference_edits import PRODUCTS_BY_ELEMENT, Call, Edit, Editor, edits
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.scalar_objective import Tensors, reference_gradients

MOST_PATHS = 24
"""Of so many paths at most are pairs tried: 276 runs of the reference, a fraction of a second."""


def edited_candidates(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate) for every edit, and for every factor that may be missing from the result."""
    calls = _calls(task, first)
    order = list(KINDS)
    for edit in sorted(edits(calls, task.parameters), key=lambda edit: order.index(edit.kind)):
        yield edit.kind, edit.where, partial(_edited, task, name, (edit,))
    for number, call in enumerate(calls):
        if call.name in PRODUCTS_BY_ELEMENT:
            for argument in range(len(call.tensors)):
                where = f"{call.name}, call {number + 1} of {len(calls)}"
                yield "factor missing", where, partial(_divided, task, name, number, argument)


def pairs_of_paths(task: Task, name: str, first: Draw) -> Iterator[tuple[str, str, Candidate]]:
    """(kind, where, candidate) for every two paths that are both dropped."""
    paths = [
        edit
        for edit in edits(_calls(task, first), task.parameters)
        if edit.kind == "path dropped"
        and _matters(_edited(task, name, (edit,), first), first.reference[name])
    ]
    if len(paths) <= MOST_PATHS:
        for one, other in combinations(paths, 2):
            where = f"{one.where} and {other.where}"
            yield "path dropped", where, partial(_edited, task, name, (one, other))


def _matters(edited: Tensor | None, right: Tensor) -> bool:
    return edited is not None and not alike(edited, right)


def _calls(task: Task, draw: Draw) -> list[Call]:
    """The calls of the forward pass that carry a gradient."""
    recorder: list[Editor] = []

    def record(shifts: Tensors) -> Editor:
        recorder.append(Editor(shifts))
        return recorder[0]

    reference_gradients(task.objective, draw.point, _shapes(draw), draw.cuts, record)
    return recorder[0].calls


def _edited(task: Task, name: str, made: Sequence[Edit], draw: Draw) -> Tensor | None:
    try:
        return reference_gradients(
            task.objective, draw.point, _shapes(draw), draw.cuts, lambda shifts: Editor(shifts, made)
        )[name]
    except (RuntimeError, IndexError):  # this argument cannot be edited so: a transposed factor does not fit
        return None


def _divided(task: Task, name: str, call: int, argument: int, draw: Draw) -> Tensor | None:
    """The right gradient without a factor of the whole: one that the forward pass multiplies by."""
    calls = _calls(task, draw)
    right = draw.reference[name]
    if call >= len(calls) or argument >= len(calls[call].tensors):
        return None
    factor = calls[call].tensors[argument].detach()
    if not _broadcasts(factor.shape, right.shape):
        return None
    return right / factor


def _broadcasts(small: Sequence[int], large: Sequence[int]) -> bool:
    """Whether one shape broadcasts to the other without changing it."""
    pairs = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(size in (1, wanted) for size, wanted in pairs)


def _shapes(draw: Draw) -> dict[str, Sequence[int]]:
    return {key: tuple(value.shape) for key, value in draw.reference.items()}
