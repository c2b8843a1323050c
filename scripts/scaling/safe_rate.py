"""A learning rate for w3, w4 and b3 that swings to and fro in no direction: half the largest stable one."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from manual_backprop import LESSON_WRT, forward
from manual_backprop.fast.triangle import Triangle
from manual_backprop.lesson.curvature import hessian
from scaling.passes_over_data import Pass


def of_triangle(one: Triangle, names: Sequence[str]) -> float:
    """From the triangle, without the data.

    Formula: 1 / λmax of the Hessian 2 RᵀR, whose λmax is twice the square of R's largest singular value
    """
    columns = one.rows[:, [LESSON_WRT.index(name) for name in names]]
    largest = _largest_singular(columns)
    return _half_of_stable(2 * largest * largest)  # a power would raise where a product is infinite


def of_data(data: Pass, start: Mapping[str, Tensor], names: Sequence[str]) -> float:
    """By one pass, for a network that no triangle stands for.

    Formula: 1 / λmax of the Hessian, which is the sum of its blocks'
    """
    pairs = [f"{a} {b}" for a in names for b in names]

    def of_block(inputs: Tensor, observed: Tensor) -> list[float]:
        return hessian(forward(start, inputs, observed), names).flatten().tolist()

    sums = data.sums(pairs, of_block)
    whole = torch.tensor([sums[pair] for pair in pairs], dtype=torch.float64).reshape(len(names), -1)
    return _half_of_stable(_largest_singular(whole))


def _largest_singular(matrix: Tensor) -> float:
    """Infinite for a matrix that has overflowed, which no algorithm takes."""
    return torch.linalg.matrix_norm(matrix, 2).item() if matrix.isfinite().all() else math.inf


def _half_of_stable(steepest: float) -> float:
    if not steepest:
        return 0.01
    if not math.isfinite(steepest) or math.isinf(1 / steepest):
        raise ValueError(f"no learning rate fits a curvature of {steepest:g}: expected data nearer to 1")
    return 1 / steepest
