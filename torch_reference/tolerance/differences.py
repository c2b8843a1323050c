"""Which tensors hold numbers that round, how coarsely, and how far two of them are apart."""

import cmath
from collections.abc import Mapping

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
NEXT = 4
"""So many roundings below the largest number of its dtype a result may yet be rounded to infinity."""


def coarsest(inputs: Tensors) -> torch.dtype:
    """The floating-point dtype with the largest rounding."""
    dtypes = {tensor.dtype for tensor in inputs.values() if is_number(tensor)}
    return max(dtypes, key=lambda dtype: torch.finfo(dtype).eps, default=torch.float64)


def is_number(value: Tensor) -> bool:
    """Whether a tensor holds numbers that round."""
    return value.is_floating_point() or value.is_complex()


def adds_up(value: Tensor) -> bool:
    """Whether the sum is a number, as it is if all are: one pass, where isfinite() of each takes four."""
    return cmath.isfinite(value.sum().item())


def difference(value: Tensor, expected: Tensor) -> Tensor:
    """How far a value is from the exact one, in float64 or complex128; of equal infinities not at all."""
    off = plain_difference(value, expected)
    if not adds_up(off):
        off = torch.where((value == expected) | is_too_large(value, expected), 0.0, off)
    return off


def plain_difference(value: Tensor, expected: Tensor) -> Tensor:
    """The same, and of infinities no number."""
    same = value.dtype == expected.dtype
    return value - expected if same else value.to(expected.dtype).sub_(expected)


def as_meant(value: Tensor, expected: Tensor) -> Tensor:
    """The value in the precision of what is expected: an infinity, where its dtype has no other number.

    Shapes: both alike
    """
    wide = value.to(expected.dtype)
    if value.dtype == expected.dtype or adds_up(wide):
        return wide
    return torch.where(is_too_large(value, expected), expected, wide)


def is_too_large(value: Tensor, expected: Tensor) -> Tensor:
    """Where infinity is the right rounding, as what is expected lies beyond the dtype's largest number.

    Shapes: all alike
    """
    if value.is_complex() or not value.is_floating_point():
        return torch.zeros_like(value, dtype=torch.bool)
    limits = torch.finfo(value.dtype)
    # What is next to the largest number may round beyond it.
    is_beyond = expected.abs() > limits.max * (1 - NEXT * limits.eps)
    return value.isinf() & is_beyond & (value.sign() == expected.sign())
