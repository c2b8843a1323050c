"""Results that are exact though their operation rounds: conversions to a finer dtype, factors of 2ᵏ.

And those that are not, but by what torch leaves out.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

SMALL = 64
"""Whole numbers up to it are exact in every dtype, as are their sums."""

OF_TRIGAMMA = 2.0**-31
OF_FLOAT32 = 2.0**-24
NO_THRESHOLD = 2.0**-10
"""Where a SoftPlus jumps by more than this at its threshold it is another function, and has another slope."""


def is_number(value: Any) -> bool:
    """Whether it is a tensor of numbers that round."""
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def is_widening(before: Tensor, after: Tensor) -> bool:
    """Whether a conversion keeps every digit."""
    if not is_number(before) or before.dtype == after.dtype:
        return True
    return torch.finfo(after.dtype).eps < torch.finfo(before.dtype).eps


def one_number(value: Any) -> float:
    """The number that a factor is in all its elements; NaN if it is none, or not cheap to see."""
    if isinstance(value, int | float):
        return value
    if not is_number(value) or value.layout != torch.strided or value.is_complex():
        return math.nan
    if any(value.stride()) or not value.numel():
        return math.nan
    return float(value[(0,) * value.ndim])


def is_power_of_two(value: float) -> bool:
    """Whether a product with it is exact."""
    return math.isfinite(value) and abs(math.frexp(value)[0]) == 0.5


def scaling(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The factors of a product, or the divisor: 1/s rounds, s/1 does not."""
    return args[:2] if name == "mul" else args[1:2] if name == "div" else ()


SELECTING = {"amax", "amin", "max", "min", math.inf, -math.inf}
"""What makes a reduction, or a norm, one of those: its result is one of what it was given."""
REDUCTIONS = {"_cdist_forward", "_pdist_forward", "linalg_vector_norm"}
REDUCTIONS |= {"index_reduce", "scatter_reduce", "segment_reduce"}
"""The operations that an argument makes select. Their backwards look for what was selected among what was
given, where a moved number would not be found."""


def selects(name: str, args: Sequence[Any]) -> bool:
    """Whether these arguments make an operation one that picks, and rounds nothing of what it picks."""
    return name in REDUCTIONS and any(isinstance(arg, str | float) and arg in SELECTING for arg in args)


def rounds_nothing(name: str, args: tuple[Any, ...], result: Tensor) -> bool:
    """Whether these arguments make the result exact, of an operation that rounds with others."""
    if name == "_to_copy" and is_widening(args[0], result):
        return True
    factors = scaling(name, args)
    if any(map(is_power_of_two, map(one_number, factors))) if factors else selects(name, args):
        return True
    return name in ("add", "sub", "rsub") and all(map(is_whole, args[:2]))


def is_whole(value: Any) -> bool:
    """Whether all are small whole numbers, as exponents are: a negative number has no other power.

    >>> is_whole(torch.tensor([2.0, -1.0])), is_whole(1), is_whole(torch.tensor([2.0, 0.5])), is_whole(1e9)
    (True, True, False, False)
    """
    if isinstance(value, int | float):
        return abs(value) <= SMALL and value == int(value)
    if not is_number(value) or value.is_complex() or value.layout != torch.strided or not value.numel():
        return False
    first = value[(0,) * value.ndim].item()  # which is all that most others cost
    return abs(first) <= SMALL and first.is_integer() and _are_whole(value)


def _are_whole(value: Tensor) -> bool:
    return bool(((value == value.round()) & (value.abs() <= SMALL)).all())


def large_numbers(
    name: str, args: Sequence[Any], result: Tensor, unit: float
) -> tuple[Tensor, Tensor] | None:
    """A sum or a product of two, and how far off its elements may be at most, where some are beyond 1/u.

    Such are those of a mask (−1e9, the least of float32). A sum is off by no more than the smaller of two,
    since the larger is a number itself, and a product with 2ᵏ is exact. A row that is masked altogether is
    uniform so, and not that of the element which moved most.

    Shapes: those of the result
    """
    if name not in ("add", "sub", "rsub", "mul") or not result.is_floating_point() or not result.numel():
        return None
    if result.layout != torch.strided or result._is_zerotensor():
        return None
    if not max(map(abs, map(float, result.aminmax()))) * unit > 1:
        return None
    one, other = (torch.as_tensor(arg, dtype=result.dtype, device=result.device).abs() for arg in args[:2])
    if name == "mul":
        is_exact = [torch.frexp(factor.double()).mantissa == 0.5 for factor in (one, other)]
        return result.clone(), torch.where(torch.logical_or(*is_exact), 0.0, math.inf).to(result.dtype)
    return result.clone(), torch.minimum(one, other)


def move_no_further(result: Tensor, before: Tensor, most: Tensor) -> None:
    """Take back, in place, what an element has moved beyond that; an infinity stays as it is."""
    moved = (result - before).nan_to_num_(0.0, math.inf, -math.inf)
    result.copy_(torch.where(moved.abs() > most, before + most.copysign(moved), result))


def raise_underflows(argument: Tensor, result: Tensor, dtype: torch.dtype) -> None:
    """Make, in place, the smallest normal number of what is zero, and need not be, for a finite argument."""
    if result.numel() and not result.is_complex() and result.amin() > 0:
        return
    underflowed = (result == 0) & argument.isfinite() & (argument != 0)
    if underflowed.any():
        result[underflowed] = torch.finfo(dtype).tiny


def shares_memory(args: Sequence[Any], result: Tensor) -> bool:
    """Whether a result is in the memory of an argument; a sparse one has none of its own to be asked for."""
    strided = [arg for arg in args if isinstance(arg, Tensor) and arg.layout == torch.strided]
    if not strided or result.layout != torch.strided:
        return False
    where = result.untyped_storage().data_ptr()
    return where != 0 and where in [arg.untyped_storage().data_ptr() for arg in strided]


def left_out(name: str, args: Sequence[Any]) -> Tensor | None:
    """What torch leaves out of an operation in float64, which a right derivation does not.

    Formula: of SoftPlus and its slope beyond a threshold, where they are βx / β and 1,
             log(1 + e^(βx)) / β − x ≈ e^(−βx) / β and 1 − σ(βx) ≈ e^(−βx): 2e-9 at the threshold of 20;
             of ψ′ the sixth term of its series and those after it: tests measure 5e-10 of it beside mpmath;
             of ψ roundings of the terms that are added up to it, ψ(10) and 1 / x and below 0 π / tan πx;
             of the slope of CELU the digits of α that float32 has not, in s = 1/α: (1 + |s x|) u of it
    Shapes: that of the result; None for other operations
    """
    if name == "digamma":
        (x,) = args
        of_reflection = torch.where(x < 0, (torch.pi / torch.tan(torch.pi * x)).abs(), 0.0)
        return (2.25 + 1 / x.abs() + of_reflection) * (torch.finfo(x.dtype).eps / 2)
    if name == "polygamma" and args[0] == 1:
        return torch.polygamma(1, args[1]).abs() * OF_TRIGAMMA
    if name == "elu_backward":
        upstream, alpha, scale, s, is_result, x = args
        if (
            is_result
            or not alpha
            or s * alpha == 1
            or s * torch.tensor(alpha, dtype=torch.float32).item() != 1
        ):
            return None
        slope = upstream * (alpha * scale * s) * torch.exp(s * x) * (1 + (s * x).abs())
        return torch.where(x < 0, slope * OF_FLOAT32, 0.0)
    if name not in ("softplus", "softplus_backward"):
        return None
    *above, x, beta, threshold = (*args, *(1.0, 20.0)[len(args) - 1 :]) if name == "softplus" else args
    if math.exp(-threshold) > NO_THRESHOLD:
        return None
    left = torch.where(x * beta > threshold, torch.exp(-x * beta), 0.0)
    return left * above[0] if above else left / beta
