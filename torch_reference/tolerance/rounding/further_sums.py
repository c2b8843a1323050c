"""Linear operations that add up inside and are no plain sums: pools, interpolations, folds, transforms.

What local_sums.py says of a sum holds for them as well: each term is the argument times a weight, and here is
how many terms meet in one element, and what their squares add up to.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

POOLS = {"avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d"}
POOLS |= {f"{name}_backward" for name in POOLS}
INTERPOLATIONS = {"upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"}
INTERPOLATIONS |= {f"{name}_backward" for name in INTERPOLATIONS}
NEAREST = {f"upsample_nearest{n}d_backward" for n in (1, 2, 3)}
NEAREST |= {f"_upsample_nearest_exact{n}d_backward" for n in (1, 2, 3)}
TRANSFORMS = {"_fft_r2c", "_fft_c2r", "_fft_c2c"}
OF_ONES = {"_trilinear", "col2im"} | NEAREST
"""Those whose weights are 0 and 1: of ones, they count their terms themselves."""
SMALL = 13
"""The largest prime that a Fourier transform has a formula of its own for."""
OF_PLACES = {f"{name}{n}d_backward" for name in ("adaptive_max_pool", "fractional_max_pool") for n in (2, 3)}
OF_PLACES |= {f"{name}_pad{n}d_backward" for name in ("reflection", "replication") for n in (1, 2, 3)}
OF_PLACES |= {"max_pool2d_with_indices_backward", "max_pool3d_with_indices_backward", "unfold_backward"}
"""Those that add up their first argument at places: windows overlap, and what is padded was there before."""
FURTHER = OF_PLACES | POOLS | INTERPOLATIONS | TRANSFORMS | OF_ONES

Operation = Callable[..., Any]


def further_squares(func: Operation, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """Σ terms² of each element of the result, or a little more."""
    if name in TRANSFORMS:
        return _of_a_transform(func, args, kwargs)
    x = args[0].abs().square()
    if name == "_trilinear":
        return func(*(arg.square() for arg in args[:3]), *args[3:], **kwargs)
    if name.startswith("upsample_bicubic2d"):  # some of its weights are negative
        largest = x.amax((-2, -1), keepdim=True)
        shape = args[2] if name.endswith("backward") else [*x.shape[:2], *args[1]]
        return largest.expand(shape).clone()
    squares = func(x, *args[1:], **kwargs)
    return squares / further_count(func, name, args, squares) if name in POOLS else squares


def further_count(func: Operation, name: str, args: Sequence[Any], result: Tensor) -> Any:
    """How many terms meet in one element."""
    if name in TRANSFORMS:
        return math.prod(max(args[0].shape[dim], result.shape[dim]) for dim in args[1])
    if name in OF_PLACES:
        return func(torch.ones_like(args[0]), *args[1:])
    if name in OF_ONES:
        given = [torch.ones_like(arg.abs()) if isinstance(arg, Tensor) else arg for arg in args]
        return func(*given)
    sizes = max(args[0].numel(), result.numel()) // max(1, min(args[0].numel(), result.numel()))
    if name.startswith("avg_pool"):
        kernel = args[2] if name.endswith("backward") else args[1]
        dimensions = int(name[8])
        return math.prod(kernel) if len(kernel) == dimensions else kernel[0] ** dimensions
    if name in POOLS:
        return sizes
    return (16 if "bicubic" in name else 2 ** int(name.removesuffix("_backward")[-2])) * max(1, sizes)


def _of_a_transform(func: Operation, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """Every term of a Fourier transform has the size of its element: they are turned, and scaled alike."""
    x, dims, normalisation = args[:3]
    result = func(*args, **kwargs)
    squares = x.abs().square().sum(list(dims), keepdim=True)
    if x.is_complex() and not result.is_complex():
        squares = 2 * squares  # half of the terms are not stored
    lengths = [max(x.shape[dim], result.shape[dim]) for dim in dims]
    count = math.prod(lengths)
    # What is no product of small primes is made by a chirp, of angles up to π times the length (MKL at 1030).
    squares = squares * math.prod(length for length in lengths if _largest_prime(length) > SMALL)
    scale = {0: 1.0, 1: 1.0 / count, 2: 1.0 / count**2}[normalisation]
    return (squares * scale).expand(result.shape).clone()


def _largest_prime(number: int) -> int:
    """The largest prime that divides it."""
    prime = 2
    while prime * prime <= number:
        if number % prime:
            prime += 1
        else:
            number //= prime
    return number


def grouped_products(one: Tensor, other: Tensor, offs: Tensor | None = None, *_: Any) -> Any:
    """_grouped_mm, a mixture of experts: products of rows, of columns, or of what is added up, by groups."""
    if offs is None:
        return NotImplemented
    groups = list(pairwise([0, *offs.tolist()]))
    if one.ndim == other.ndim == 2:
        return torch.stack([one[:, start:end] @ other[start:end] for start, end in groups])
    if other.ndim == 2:
        found = [each @ other[:, start:end] for each, (start, end) in zip(one, groups, strict=True)]
        return torch.cat(found, 1)
    found = [one[start:end] @ each for each, (start, end) in zip(other, groups, strict=True)]
    return torch.cat([*found, one.new_zeros(len(one) - groups[-1][1], other.shape[-1])])
