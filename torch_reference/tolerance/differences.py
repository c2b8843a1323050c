"""Which tensors hold numbers that round, how coarsely, and how far two of them are apart."""

import cmath
from collections.abc import Mapping

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]


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
    same = value.dtype == expected.dtype
    off = value - expected if same else value.to(expected.dtype).sub_(expected)
    if not adds_up(off):
        off = torch.where(value == expected, 0.0, off)
    return off
