"""A large point judged a few rows at a time: where the reference treats rows alike, and each by itself.

A part of a layer norm's rows is a smaller layer norm: the same numbers, and the same roundings. So each part
is judged as a point of its own, with as many draws as it needs: memory is that of a part, and few rows need
many. What belongs to no row, as the gradient of a gain, is the sum over the parts, or their mean; so are its
movements. That the parts are what the whole is, is seen in float64 at every element; else nothing is judged.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from torch_reference.comparison import Row
from torch_reference.tolerance.movement import Reference, Tensors
from torch_reference.tolerance.own_code.own_rows import OwnRows
from torch_reference.tolerance.rounding.exact_run import exactly
from torch_reference.tolerance.rows.added_up import is_same
from torch_reference.tolerance.rows.judgement import Judgement
from torch_reference.tolerance.rows.placing import some
from torch_reference.tolerance.rows.whole import Allowed, Rows, Whole

FINE_ENOUGH = (torch.float32, torch.float64)
INDICES = (torch.int32, torch.int64)
FEW = 32
"""So many numbers tell first whether each may be a row."""


def rows_by_parts(
    reference: Reference,
    point: Tensors,
    choices: Callable[[], Iterator[Rows]],
    actual: Tensors,
    allowed: Allowed,
    outputs: Collection[str] = (),
    own: OwnRows | None = None,
) -> dict[str, Row] | None:
    """The rows of Tolerance.rows; None where the point cannot be judged so.

    Shapes: choices are what may have rows; gradients of a mean are those of its parts, weighted, and so is
            a mean itself; outputs are the names of what is no gradient: none of them is inconclusive; own
            is the code that made the actual values, where its roundings may be asked for
    """
    numbers = [value.dtype for value in point.values() if value.is_floating_point()]
    if any(value.is_complex() for value in point.values()) or not set(numbers) <= set(FINE_ENOUGH):
        return None
    if any(not value.is_cpu and value.dtype in INDICES for value in point.values()):
        return None  # of a table that is cut an index may be out of range, which a GPU does not survive
    results: dict[str, Tensor] | None = None
    for rows in choices():
        try:
            if results is None:
                results = exactly(reference, point)
            whole = Whole(reference, point, rows, results, allowed, outputs, own)
            found = by_numbers(whole, actual) if rows.shape else Judgement(whole).of(actual)
        except Exception:  # NotByRowsError, or the reference is defined for all rows alone
            found = None
        if found is not None:
            return found
        if own:
            own.forget()
    return None


def by_numbers(whole: Whole, actual: Tensors) -> dict[str, Row] | None:
    """The rows where each number is a row, and a sample tells of most; None where it does not."""
    shape, cut = whole.rows.shape, {*whole.rows.inputs, *whole.rows.results}

    def flat(values: Tensors) -> dict[str, Tensor]:
        return {name: value.reshape(-1) if name in cut else value for name, value in values.items()}

    alone = whole._replace(point=flat(whole.point), results=flat(whole.results))
    if not takes_each_by_itself(alone):
        return None
    found = Judgement(alone).of(flat(actual))
    return {
        name: replace(row, index=tuple(map(int, np.unravel_index(row.index[0], shape))))
        if name in cut and row.index
        else row
        for name, row in found.items()
    }


def takes_each_by_itself(whole: Whole) -> bool:
    """Whether the reference makes of few numbers what it makes of them among all, or their mean does."""
    few = torch.arange(FEW, device="cpu")
    made, share = exactly(whole.reference, whole.some(few)), FEW / whole.rows.number
    return all(
        any(is_same(weight * made[name], some(whole.results[name], few)) for weight in (1.0, share))
        for name in whole.rows.results
    )
