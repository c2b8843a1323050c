"""The least bounds of a sample, in parts of the sizes that they are relative to."""

import math

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from torch_reference.tolerance.gradient_sums import OVER_ROWS
from torch_reference.tolerance.movement import FACTOR, Movement
from torch_reference.tolerance.rows.added_up import REACH

COPIES, DRAWS = 6, 4
"""Of each row of a sample, and of all of it: after fewer, the least of so many bounds is one that has hardly
moved by chance. What all copies share, as a rounding of a gain, moves in the draws alone."""
TINY = torch.finfo(torch.float64).tiny


def bound_and_spread(movement: Movement, name: str, weight: float, few: int) -> tuple[Tensor, Tensor]:
    """(the bounds after all draws, as those that were made foretell them, the part of these that has moved).

    Shapes: few, how many rows the sample has, each COPIES times; that of these rows of the result
    """
    spread = by_copies(movement.squares[name]).mean(0).div_(movement.draws).sqrt_().mul_(REACH * weight)
    return movement.last_rounding(name)[:few].mul_(weight).add_(spread), spread


def least(bounds: Tensor, sizes: Tensor) -> float:
    """The least bound of what is not zero, in parts of its size; 0 where nothing is."""
    least = float(torch.where(bounds > 0, bounds / sizes, torch.inf).amin())
    return least if math.isfinite(least) else 0.0


def of_sum(which: str, moved: Tensor, root: Tensor) -> float:
    """The least that a sum has moved, in parts of its root: each row's by the farthest of its copies."""
    if which not in OVER_ROWS:
        moved, root = by_copies(moved).amax(0), by_copies(root)[0]
    return least(FACTOR * moved, root)


def of_columns(squares: Tensor, above: Tensor, sample: Tensor, spreads: Tensor) -> Tensor:
    """How far the sum of each column may be: each row moves by itself, so that squares add up.

    Those of what is above zero and of what is below stand to their spreads as in the column's sample.

    Shapes: squares and above, the sums over all rows of all squares, and of those of what is above zero
    """
    limit = torch.zeros_like(squares)
    for sizes, are in ((above, sample > 0), (squares - above, sample < 0)):
        within, all_of = (each.square().mul_(are).sum(0) for each in (spreads, sample))
        of_any = float(within.sum()) / max(float(all_of.sum()), TINY)
        limit += sizes * torch.where(all_of > 0, within / all_of, of_any)
    return limit.clamp_(min=0).sqrt_()


def by_copies(value: Tensor) -> Tensor:
    """The copies of the rows one after another.

    Shapes: (COPIES · rows, ...), and (COPIES, rows, ...)
    """
    return value.view(COPIES, -1, *value.shape[1:])


def of_signs(bounds: Tensor, values: Tensor) -> tuple[float, float]:
    """The least bounds of what is above zero, and of what is below."""
    return least(bounds, values.clamp(min=0)), least(bounds, values.clamp(max=0).abs_())


def by_sign(values: Tensor, times: tuple[float, float]) -> Tensor:
    """The size of each value, so many times: the first of what is above zero, the second of what is below."""
    above, below = times
    if above == 0:
        return (-values).clamp_(min=0).mul_(below)
    return leaky_relu(values, -below / above).mul_(above)
