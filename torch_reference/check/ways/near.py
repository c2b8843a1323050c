"""Inputs near what they were: none at a corner, and of a kind with them where they were of one."""

import torch
from torch import Tensor

from torch_reference.judging.derivation_task import normal

SPREAD = 0.3
"""The standard deviation of the logarithm of what a number is multiplied by."""


def near(value: Tensor, generator: torch.Generator, spread: float = SPREAD) -> Tensor:
    """Every number multiplied by one of its own; where all are one they are parted."""
    if not value.is_floating_point():
        return value
    # A truth value as a number, and a mask of -inf, stay; where all are equal they are parted.
    moved = value * torch.exp(spread * normal(value, generator))
    if is_one_number(value):  # a gain of ones, an offset of zeros
        return torch.where(value.isfinite(), moved + spread / 3 * normal(value, generator), value)
    fixed = ~value.isfinite() | (value == 0) | (value == 1)
    return torch.where(fixed, value, moved)


def times(factor: float, value: Tensor, _: torch.Generator) -> Tensor:
    """The same, but for a whole number, so many times as large."""
    return value * factor if value.is_floating_point() else value


def near_and_equal(value: Tensor, generator: torch.Generator) -> Tensor:
    """The same for numbers that are all one: they are multiplied by one factor."""
    return value * 1.25 if value.is_floating_point() and is_one_number(value) else near(value, generator)


def near_and_symmetric(value: Tensor, generator: torch.Generator) -> Tensor:
    """The same for symmetric matrices: the mean of what is drawn and its transpose."""
    moved = near(value, generator)
    return (moved + moved.mT) / 2 if is_symmetric(value) else moved


def is_symmetric(value: Tensor) -> bool:
    """Whether it is a symmetric matrix, or many, whose numbers are not all one.

    As far as x xᵀ is, of whose two triangles a matrix product makes each in an order of its own: each number
    is a sum of n, rounded once more where that was made in float32.
    """
    if value.ndim < 2 or not value.shape[-1] == value.shape[-2] > 1 or is_one_number(value):
        return False
    if not value.is_floating_point() or torch.equal(value, value.mT):
        return torch.equal(value, value.mT)
    wide, eps = value.double(), torch.finfo(value.dtype).eps
    summed = (
        min(eps, torch.finfo(torch.float32).eps) * value.shape[-1] * wide.abs().amax((-2, -1), keepdim=True)
    )
    rounded = 0.0 if value.dtype in (torch.float32, torch.float64) else eps * wide.abs()
    return bool(((wide - wide.mT).abs() <= summed + rounded).all())


def is_one_number(value: Tensor) -> bool:
    """Whether its numbers, two or more, are all equal."""
    return value.numel() > 1 and bool((value == value.flatten()[0]).all())
