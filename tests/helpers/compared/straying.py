"""How far rounding may carry a descent in w3, w4 and b3 from the exact descent on the same data."""

from collections.abc import Mapping

import torch
from torch import Tensor

import torch_reference
from manual_backprop import LESSON_WRT, forward
from manual_backprop.fast.triangle import Triangle
from manual_backprop.fast.triangle_descent import rounding
from manual_backprop.lesson.convergence import bowl
from manual_backprop.lesson.descent import History
from strategies import Case
from torch_reference.lesson.ball import MARGIN, Rounding

ROUNDING = Rounding.of(torch.float64, torch.device("cpu"))


def strayed(history: History, off: Mapping[str, Tensor], rate: float) -> Tensor:
    """How far from the exact descent the parameters may be after each step, for derivatives that are off.

    H is constant in these parameters, and ‖1 − η H‖ at most 1 at a stable rate: nothing grows, what the steps
    add adds up. At most one rounding each comes from the product and from the subtraction.

    Formula: Dₖ₊₁ = Dₖ + ‖η offₖ + u |step sizeₖ| + σ + u |parameterₖ₊₁|‖,  D₀ = 0
    Source:  docs/trajectory.md, sections 2 and 3
    """
    added = [
        rate * off[name][:-1]
        + ROUNDING.unit * (history.step_sizes[name].abs() + history.parameters[name][1:].abs())
        + ROUNDING.smallest
        for name in LESSON_WRT
    ]
    steps = torch.linalg.vector_norm(torch.stack(added), dim=0)
    return MARGIN * torch.cat([steps.new_zeros(1), steps.cumsum(0)])


def plain_strayed(history: History, case: Case, rate: float) -> Tensor:
    """Of a descent on all observations, whose derivatives are within a radius of the exact ones."""
    return strayed(history, _radius(history, case), rate)


def triangle_strayed(history: History, one: Triangle, case: Case, rate: float) -> Tensor:
    """Of a descent on their triangle: a radius for y1 and y2, and the rounding of the triangle itself."""
    radius, own = _radius(history, case), triangle_rounding(history, one)
    return strayed(history, {name: radius[name] + own[name] for name in LESSON_WRT}, rate)


def triangle_rounding(history: History, one: Triangle) -> dict[str, Tensor]:
    """How far the triangle's derivatives are off at each point, for the y1 and y2 that it is made of."""
    return rounding(one, {name: history.parameters[name] for name in LESSON_WRT})[1]


def is_stable(case: Case, rate: float) -> bool:
    """Whether no step makes a distance longer: |1 − η λ| ≤ 1 for every eigenvalue."""
    return rate < bowl(forward(*case)).largest_stable_rate


def _radius(history: History, case: Case) -> dict[str, Tensor]:
    points = len(history.ssr)
    bounds = torch_reference.bounds(
        dict(history.parameters), case.inputs.expand(points, -1), case.observed.expand(points, -1)
    )
    return {name: bounds[name] / 2 for name in LESSON_WRT}
