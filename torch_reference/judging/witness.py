"""The third witness on a wrong element: it says whether the derivation or PyTorch is wrong.

It differentiates the forward pass numerically and so shares neither derivation: mpmath at 50 digits for the
lesson's network, a difference quotient in float64 for all others.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch

from torch_reference.comparison import Row
from torch_reference.judging.scalar_objective import (
    UPSTREAM,
    VALUE,
    NetworkObjective,
    Objective,
    Tensors,
    reference_gradients,
)

Names = Mapping[str, Sequence[int]]


class Estimate(NamedTuple):
    """The derivative at one element, and how far it may be from the exact one."""

    value: float
    error: float


def who_is_wrong(objective: Objective, row: Row, point: Tensors, names: Names, cuts: Sequence[str]) -> str:
    """Name the witness that is wrong at the row's worst element.

    "yours" or "PyTorch's" (in the point's own dtype) is the one that is further from the exact derivative;
    "both within rounding" where neither is further than the row's bound; "undecided" where the exact one is
    not known well enough to tell.
    """
    if row.manual is None or row.bound is None:
        return "yours"
    own = reference_gradients(objective, point, names, cuts)[row.name][row.index].item()
    exact = _estimate(objective, row, point, names, cuts)
    # A NaN or an infinity is further away than any number.
    manual_off, own_off = (
        abs(value - exact.value) if math.isfinite(value) else math.inf for value in (row.manual, own)
    )
    if max(manual_off, own_off) + exact.error <= row.bound:
        return "both within rounding"
    if not exact.error < abs(manual_off - own_off) / 4:
        return "undecided"
    return "yours" if manual_off > own_off else "PyTorch's"


def _estimate(objective: Objective, row: Row, point: Tensors, names: Names, cuts: Sequence[str]) -> Estimate:
    # Only a mismatch needs the witness, and mpmath takes 0.1 s to import.
    from torch_reference.judging.lesson_witness import exact_gradient, is_the_lesson

    if isinstance(objective, NetworkObjective) and is_the_lesson(objective, point):
        return Estimate(exact_gradient(point, row.name, row.index, cuts), 0.0)
    return _difference_quotient(objective, row, point, names, cuts)


def _difference_quotient(
    objective: Objective, row: Row, point: Tensors, names: Names, cuts: Sequence[str]
) -> Estimate:
    """Its error is the distance of two extrapolations.

    Formula: (4 D(h/2) − D(h)) / 3 with D(h) = (f(h) − f(−h)) / 2h (Richardson)
    """
    exact = {name: value.double() if value.is_floating_point() else value for name, value in point.items()}
    if isinstance(objective, NetworkObjective) and cuts:
        _, outputs = objective.run(exact)
        exact |= {VALUE + name: outputs[name][1] for name in cuts}
    shifts = {name: torch.zeros_like(exact[UPSTREAM + name]) for name in cuts}
    device = next(iter(exact.values())).device
    still = torch.zeros(tuple(names[row.name]), dtype=torch.float64, device=device)

    def quotient(step: float) -> float:
        values = []
        for signed in (step, -step):
            moved = still.clone()
            moved[row.index] = signed
            with torch.no_grad():
                values.append(objective(exact, {**shifts, row.name: moved}, cuts).item())
        return (values[0] - values[1]) / (2 * step)

    slopes = [quotient(step) for step in (4e-3, 2e-3, 1e-3)]
    coarser, finer = ((4 * fine - coarse) / 3 for coarse, fine in pairwise(slopes))
    return Estimate(finer, abs(finer - coarser))
