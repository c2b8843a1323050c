"""Bowls of the lesson's SSR, and how far rounding may take a descent from what they say of it."""

import math
from functools import cache

import torch
from torch import Tensor

from manual_backprop import LESSON_WRT, forward, lesson
from manual_backprop.lesson import convergence
from manual_backprop.lesson.convergence import (
    Bowl,
    bowl,
    factors,
)
from manual_backprop.lesson.descent import descend
from torch_reference.lesson.trajectory import Descent, trajectory_bounds

START = lesson.start()

INPUTS, OBSERVED = lesson.data()

MORE_INPUTS = torch.tensor([-0.5, 0.0, 0.2, 0.5, 0.7, 1.0], dtype=torch.float64)

MORE_OBSERVED = torch.tensor([0.3, -0.2, 0.8, 1.1, 0.4, -0.1], dtype=torch.float64)

EQUAL_NODES = {**START, "w2": START["w1"], "b2": START["b1"]}

CASES = {
    "the lesson": (START, INPUTS, OBSERVED, LESSON_WRT),
    "an SSR that stays": (START, MORE_INPUTS, MORE_OBSERVED, LESSON_WRT),
    "two parameters": (START, INPUTS, OBSERVED, ("b3", "w4")),
    "one parameter": (START, INPUTS, OBSERVED, ("w3",)),
    "a direction that never moves": (EQUAL_NODES, MORE_INPUTS, MORE_OBSERVED, LESSON_WRT),
    "fewer observations than directions": (START, INPUTS[:2], OBSERVED[:2], LESSON_WRT),
}


@cache
def bowl_of(case: str) -> Bowl:
    """The bowl of a case."""
    parameters, inputs, observed, wrt = CASES[case]
    return bowl(forward(parameters, inputs, observed), wrt)


EPS = torch.finfo(torch.float64).eps


def eigen_rounding(case: str) -> float:
    """Below it the code takes an eigenvalue for 0: if any eigenvector were further off, it could not."""
    parameters, inputs, observed, wrt = CASES[case]
    hessian = convergence.hessian(forward(parameters, inputs, observed), wrt)
    return (len(inputs) + len(wrt) ** 2) * EPS * hessian.trace().item()


def split_rounding(case: str) -> float:
    """What rounding changes of an SSR that is split along the columns of Q, in parts of that SSR.

    Pythagoras is off by ‖QᵀQ − 1‖. Q is made of m reflections, each of a sum of n products and three more
    operations on a reflector as accurate: 2 m (n + 3) roundings of eps / 2 a column, twice in QᵀQ, √m for m
    columns (Higham, Accuracy and Stability, theorem 19.4). Qᵀ r, Q Qᵀ r and both sums of squares add
    2 (n + m + 2) more.
    """
    _, inputs, _, wrt = CASES[case]
    n, m = len(inputs), len(wrt)
    return 2 * EPS * (math.sqrt(m) * m * (n + 3) + n + m + 2)


@cache
def descent_of(case: str, rate: float) -> tuple[Descent, Tensor]:
    """40 steps of a descent that no rule stops, and how far the SSR and the bowl's may lie apart at each.

    A correct descent and the exact one are within the bound of docs/trajectory.md. The bowl is the exact one
    of an H that is wrong by eigen_rounding, whose (1 − η H)²ᵏ is off by at most 2 k η times that, and the
    largest |1 − η λ| to the power of 2 k where it grows.
    """
    parameters, inputs, observed, wrt = CASES[case]
    found = descend(parameters, inputs, observed, wrt, learning_rate=rate, max_steps=40, min_step_size=0.0)
    drift = trajectory_bounds(found, found, inputs, observed, rate)["ssr"]
    steps = torch.arange(len(found.ssr))
    growth = factors(bowl_of(case), rate).abs().max().clamp(min=1) ** (2 * steps)
    return found, drift + (
        split_rounding(case) + 2 * steps * rate * eigen_rounding(case)
    ) * growth * found.ssr[0]
