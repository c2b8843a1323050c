"""Inputs near what they were: none at a corner, and of a kind with them where they were of one."""

import torch
from torch import Tensor

from torch_reference.judging.derivation_task import is_one_number, is_symmetric, normal

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
