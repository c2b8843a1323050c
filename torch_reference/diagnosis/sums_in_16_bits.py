"""Whether a gradient that loses digits is a sum that was accumulated in 16 bits, term by term."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

import torch
from torch import Tensor

from torch_reference.diagnosis.pattern_kinds import PATTERNS
from torch_reference.judging.derivation_task import Task
from torch_reference.judging.finding import Diagnosis
from torch_reference.judging.scalar_objective import UPSTREAM, reference_gradients

KIND = "16-bit accumulation"
MOST_ROWS = 256
MOST_UNLIKE = 0.1
"""The terms may round otherwise in the derivation: so many of the sums may come out differently."""


def accumulated_in_16_bits(task: Task, name: str, manual: Tensor) -> Diagnosis | None:
    """The diagnosis, if adding up the rows' own gradients one by one, in that dtype, gives the very numbers.

    Shapes: manual is in 16 bits; the rows are those of the upstream gradients, or the observations
    Errors: whatever the reference raises
    """
    if manual.dtype not in (torch.bfloat16, torch.float16):
        return None
    terms = list(_terms(task, name))
    if len(terms) < 3:
        return None
    right = torch.stack([term.double() for term in terms]).sum(0).to(manual.dtype)
    if _unlike(manual, right) <= MOST_UNLIKE:
        return None
    for order in (terms, terms[::-1]):
        *_, total = accumulate(order)
        if _unlike(manual, total) <= MOST_UNLIKE:
            sentence, mend = PATTERNS[KIND]
            dtype = str(manual.dtype).removeprefix("torch.")
            return Diagnosis(KIND, sentence.format(dtype=dtype, count=len(terms)), mend)
    return None


def _unlike(manual: Tensor, other: Tensor) -> float:
    return float((manual != other).double().mean()) if manual.shape == other.shape else 1.0


def _terms(task: Task, name: str) -> Iterator[Tensor]:
    """What each row adds to the gradient, in the dtype of the point."""
    shape = {name: task.shapes(task.point)[name]}
    for point in _of_one_row_each(task):
        yield reference_gradients(task.objective, point, shape)[name]


def _of_one_row_each(task: Task) -> Iterator[Mapping[str, Tensor]]:
    above = {key: value for key, value in task.point.items() if key.startswith(UPSTREAM)}
    batch = task.batch(task.point)
    if not above and 1 < batch <= MOST_ROWS:
        for row in range(batch):
            yield {
                key: value[row : row + 1] if key in task.batched else value
                for key, value in task.point.items()
            }
    shapes = {value.shape[:-1] for value in above.values()}
    if len(shapes) == 1 and 1 < (rows := next(iter(shapes)).numel()) <= MOST_ROWS:
        for row in range(rows):
            yield {**task.point, **{key: _only(value, row) for key, value in above.items()}}


def _only(value: Tensor, row: int) -> Tensor:
    """One row, and zeros in all others."""
    found = torch.zeros_like(value).reshape(-1, value.shape[-1])
    found[row] = value.reshape(-1, value.shape[-1])[row]
    return found.reshape(value.shape)
