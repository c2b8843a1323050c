"""The rows of what agrees, where that is known already or cheap to see."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.gradient_sums import largest_of
from torch_reference.tolerance.movement import FACTOR, Movement
from torch_reference.tolerance.rounding.roundings import FINE, HALF, smallest, unit
from torch_reference.tolerance.second_look import sizes_of_terms
from torch_reference.tolerance.unfinished import Unfinished

PYTORCHS_OWN = "bit for bit PyTorch's own, which loses digits here in this precision"
ALL_LOST = (
    "bit for bit what the reference gives in this precision, which has lost half of its digits or more, as "
    "where a product overflows; compare in a higher precision, or at smaller numbers"
)

SPARE = (torch.float32, torch.float64)
NEAR = 16.0
"""So many u of the largest element are near, for who does not look closely: its bound if it is rounded four
times."""
OF_ITSELF = 0.25
"""And this power of u of the element itself: 1.6 % in float32, 1e-4 in float64, a quarter of the digits."""


def size_of_bounds(movement: Movement, name: str) -> tuple[float, float]:
    """(no less than the sum of the elements' bounds so far, the sum of the values without their signs)."""
    dtype, moved = movement.dtypes[name], movement.moved[name]
    size = movement.known[name].size
    last = 2 * unit(dtype) * size + moved.numel() * smallest(dtype)
    return FACTOR * float(moved.sum()) + last, size


def bluntness(movement: Movement, name: str) -> float | None:
    """What the bounds are of the values on average, so far; None where all of these are zero."""
    bounds, size = size_of_bounds(movement, name)
    return bounds / size if size > 0 else None


def near_row(name: str, value: Tensor, expected: Tensor, roughly: float | None = None) -> Row | None:
    """Its row if it is within a few roundings of the largest element; in 16 bits, of float32, and the last.

    Roughly, within half of the digits of that, or of so large a number: where nothing is left of what was so
    large elsewhere, as of what cancels, the largest is one of its roundings.

    Formula: |value − e| ≤ min(NEAR u max |e|, u^OF_ITSELF |e|), element by element: what agrees here and not
             in the draws is wrong by no more than either, which a mistake of the calculus is not;
             in 16 bits ≤ u |e| + NEAR u₃₂ max |e|, as far as what was computed in float32 and rounded once
    """
    if not value.numel():
        return Row(name, Verdict.AGREES)
    if value.dtype not in (*SPARE, *HALF):
        return None
    off, u = difference(value, expected).abs(), unit(value.dtype)
    # Where something is no number, the difference is none, and is not at most any bound.
    if roughly is not None:
        largest = largest_of(expected)
        bound = u**0.5 * max(largest, roughly) if math.isfinite(largest) else 0.0
        is_near = float(off.amax()) <= bound
    elif value.dtype in HALF:
        largest = largest_of(expected)
        bounds = expected.abs().mul_(u).add_(NEAR * unit(FINE) * largest + smallest(value.dtype))
        is_near = math.isfinite(largest) and float((off - bounds).amax()) <= 0
    else:
        bounds = expected.abs()
        largest = float(bounds.amax())
        is_near = float((off - bounds.mul_(u**OF_ITSELF).clamp_(max=NEAR * u * largest)).amax()) <= 0
    return Row(name, Verdict.AGREES, elements=value.numel()) if is_near else None


def agreeing_row(unfinished: Unfinished, value: Tensor, left: Tensor) -> Row:
    """The row of what is known to agree, at its worst element, but for the rows that are left out.

    Shapes: left, their numbers
    """
    name, rtol, expected = unfinished.name, unfinished.rtol, unfinished.movement.expected[unfinished.name]
    worst_rows = unfinished.worst.index_fill(0, left.to(unfinished.worst.device), 0.0)
    row = int(worst_rows.argmax())
    worst = row * (expected.numel() // len(expected)) + int(unfinished.ratio[row].argmax())
    each_one = (value, expected, unfinished.elements, unfinished.bound, unfinished.ratio)
    manual, right, distance, limit, part = (each.flatten()[worst].item() for each in each_one)
    index = tuple(int(i) for i in np.unravel_index(worst, expected.shape))
    told = f"agrees within a relative error of {rtol:g}, which is allowed" if rtol else ""
    return Row(
        name,
        Verdict.AGREES,
        manual,
        right,
        distance,
        limit,
        part,
        index,
        elements=expected.numel(),
        explanation=told,
        bluntness=bluntness(unfinished.movement, name),
    )


def as_pytorchs_own(movement: Movement, row: Row, value: Tensor) -> Row:
    """The row of what differs, if PyTorch itself returns these very numbers; else as it is.

    On a processor it keeps the statistics of a layer norm in 16 bits, and nobody is blamed for that; but it
    also accumulates there in 16 bits what good kernels, its own among them, accumulate in float32: its sums
    over indices are no excuse. And where more than half of the digits are lost, nothing is known of either.
    """
    name = row.name
    if movement.scatters or torch.finfo(movement.dtypes[name]).bits >= 64:
        return row
    own = movement.reference(movement.inputs)[name]
    if own.dtype != value.dtype or not torch.equal(own, value):
        return row
    expected = movement.expected[name]
    size = torch.maximum(expected.abs().amax(), sizes_of_terms(movement, name, of_outputs=True).amax())
    if difference(value, expected).abs().amax() > unit(movement.coarsest) ** 0.5 * size:
        return replace(row, verdict=Verdict.INCONCLUSIVE, explanation=ALL_LOST)
    return replace(row, verdict=Verdict.AGREES, explanation=PYTORCHS_OWN, wrong_elements=0, part="")
