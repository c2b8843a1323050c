"""How far the roundings of a sum carry its result: by what its own terms and its own length explain.

A sum of n terms makes n − 1 additions, each of which rounds a partial sum. Independent roundings of at most
u = eps / 2 add up, in the sense of a standard deviation, to

    u · √(Σ partial²) ≤ u · √n · (the largest partial sum),

and where the order of the terms has nothing to do with their values (Higham and Mary 2019; Hallman and Ipsen
2023) the squared partial sums are n (result² / 3 + Σ terms² / 6) on average: those of a straight walk to the
result and of a random one around it. Here

    size = √(n · (Σ terms² + result²)),

which is √3 to √6 times that, and covers terms of one sign taken one after another. The eps is that of
float32 at least: a sum that good kernels accumulate in float32 is not forgiven for accumulating in 16 bits.
Only one of at most four terms is, which people write out, as a + b + c: of its additions all but the last,
whose rounding is that of the result, may be in 16 bits.

Σ terms² is the same operation on squared arguments: all of these are linear in each of them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.exact_results import is_number
from torch_reference.tolerance.rounding.further_sums import FURTHER, further_count, further_squares

FEW = 4
"""So many terms people add up without a thought of float32, and so does PyTorch for the rows of a table."""
ALIKE = 1e-3
"""Terms whose squares vary by no more, in the mean, count as equal."""

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]
Operation = Callable[..., Any]

CONTRACTIONS = {"mm", "bmm", "mv", "dot", "vdot"}
CONTRACTIONS_AND_SUM = {"addmm", "baddbmm", "addmv", "addbmm"}
SCATTERING = {"embedding_dense_backward", "index_add", "index_put", "scatter_add", "_unsafe_index_put"}
SCATTERING |= {"scatter_reduce"}
REDUCTIONS = {"sum", "mean", "nansum", "trace"}
CONVOLUTIONS = {"convolution", "convolution_backward"}
SUMS = CONTRACTIONS | CONTRACTIONS_AND_SUM | SCATTERING | REDUCTIONS | CONVOLUTIONS | {"cumsum"} | FURTHER
"""The operations that are sums, and linear in each of their tensors."""


def is_sum(name: str, args: Arguments, kwargs: Keywords) -> bool:
    """Whether an operation adds up terms: some only where they are told to; of whole numbers none rounds."""
    if name == "scatter_reduce":
        return bool(args[4] == "sum")
    if name in ("index_put", "_unsafe_index_put"):
        return bool(args[3] if len(args) > 3 else kwargs.get("accumulate", False))
    dtype = kwargs.get("dtype")
    return name in SUMS and (dtype is None or dtype.is_floating_point or dtype.is_complex)


def sizes_of_roundings(
    func: Operation, name: str, args: Arguments, kwargs: Keywords, results: Sequence[Any], few: float = 1.0
) -> list[Tensor | None]:
    """For each result of a sum, √(n · (Σ terms² + result²)); None where it has no terms.

    A rounding of a sum of at most FEW terms is few times as large: that of 16 bits, in units of float32's. So
    is that of a product to which something is added: torch itself rounds it before it adds a bias where rows
    are transposed, and after it elsewhere.

    Shapes: those of the results; real, and zero where a term or the result is not finite
    """
    squares = _squares(func, name, args, kwargs)
    if few > 1 and name in CONTRACTIONS and any(bool((arg == 0).any()) for arg in args):
        # A zero adds nothing: with one row in each, as in a one-hot matrix, nothing rounds.
        counts: list[float | Tensor] = [func(*((arg != 0).to(arg.dtype) for arg in args))]
    else:
        counts = _counts(func, name, args, kwargs, results)
    sizes = [
        None if square is None or not isinstance(result, Tensor) else _size(square, result, count, few)
        for square, result, count in zip(squares, results, counts, strict=True)
    ]
    if few > 1 and name in CONTRACTIONS_AND_SUM:
        [size], [result] = sizes, results
        product = result - kwargs.get("beta", 1) * args[0]
        return [None if size is None else torch.hypot(size, few * product.abs())]
    return sizes


def sizes_of_terms_and_result(
    func: Operation, name: str, args: Arguments, kwargs: Keywords, results: Sequence[Any]
) -> list[Tensor | None]:
    """For each result of a sum, √(Σ terms² + result²): each term rounded by itself, and the result once.

    Shapes: those of the results
    """
    return [
        None if square is None or not isinstance(result, Tensor) else _size(square, result, 1.0, 1.0)
        for square, result in zip(_squares(func, name, args, kwargs), results, strict=True)
    ]


def _size(square: Tensor, result: Tensor, count: float | Tensor, few: float) -> Tensor:
    magnitude = result.abs()
    squared = magnitude.mul_(magnitude)
    # Equal terms (Cauchy and Schwarz) round alike, and all one way: by up to n u times their sum.
    excess = squared - (1 - ALIKE) * count * square
    size = squared.add_(square).mul_(count)
    if excess.numel() and not bool(excess.amax() < 0):
        size = torch.where(excess >= 0, size * count, size)
    size = size.sqrt_()
    if few > 1:
        size = size * _coarse(count, few)
    # What is infinite is meant to be, as a mask's −∞ is: nothing rounds it.
    return size if math.isfinite(float(size.sum())) else torch.where(size.isfinite(), size, 0.0)


def _coarse(count: float | Tensor, few: float) -> Tensor:
    """How many times as large a rounding is where n terms are few: n − 2 of n are those of 16 bits."""
    count = torch.as_tensor(count, dtype=torch.float32)
    inner = few * (1 - 2 / count.clamp(min=2)).sqrt()
    return torch.where(count <= FEW, inner, 1.0).clamp(min=1.0)


def coarser_sizes(
    sizes: Sequence[Tensor | None], own: Sequence[Any], fine: Sequence[Any], rounding: float
) -> list[Tensor | None]:
    """Sizes of at least what torch's own kernel loses: some of its 16-bit convolutions add up in 16 bits.

    Formula: max(size, √(mean (own − fine)²) / rounding), the root mean square over the whole result: where
             the kernel is off is its own affair, by how much on the whole any other one in its place may be
    Shapes:  own, what torch makes of 16 bits, and fine, the same sum in float32, alike
    """
    found: list[Tensor | None] = []
    for size, coarse, exact in zip(sizes, own, fine, strict=True):
        if size is None:
            found.append(None)
            continue
        lost = (coarse.to(exact.dtype) - exact).square().mean().sqrt()
        found.append(size if not lost.isfinite() else size.clamp(min=(lost / rounding).item()))
    return found


def _squares(func: Operation, name: str, args: Arguments, kwargs: Keywords) -> list[Tensor | None]:
    if name in FURTHER:
        return [further_squares(func, name, args, kwargs)]

    def squared(value: Any) -> Any:
        if isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex()):
            magnitude = value.abs() if value.is_complex() else value
            if magnitude.layout not in (torch.strided, torch.sparse_coo):  # which torch squares in no other
                magnitude = magnitude.to_sparse()
            return magnitude * magnitude
        return value

    scaled = {
        key: abs(value) ** 2 if key in ("alpha", "beta") else squared(value) for key, value in kwargs.items()
    }
    if isinstance(scaled.get("dtype"), torch.dtype):
        scaled["dtype"] = None
    results = as_list(func(*map(squared, args), **scaled))
    if name == "mean":  # (terms / n)²
        results = [result / max(1, args[0].numel() // max(1, result.numel())) for result in results]
    return results


def _counts(
    func: Operation, name: str, args: Arguments, kwargs: Keywords, results: Sequence[Any]
) -> list[float | Tensor]:
    """n for each result: the terms that meet in one element."""
    if name in FURTHER:
        return [further_count(func, name, args, results[0])]
    if name in CONTRACTIONS:
        return [args[0].shape[-1]]
    if name in CONTRACTIONS_AND_SUM:
        return [args[1].shape[-1] * (args[1].shape[0] if name == "addbmm" else 1) + 1]
    if name in SCATTERING:
        ones = [torch.ones_like(arg.abs()) if is_number(arg) else arg for arg in args]
        return [func(*ones, **{**kwargs})]
    if name == "convolution":
        return [args[1][0].numel() + 1]
    if name == "convolution_backward":
        d_out, weight = args[0], args[2]
        elsewhere = d_out.numel() // max(1, d_out.shape[1])
        return [weight.numel() // max(1, args[1].shape[1]) or 1, elsewhere, elsewhere]
    if name == "cumsum":
        return [args[0].shape[args[1]] if args[0].ndim else 1]
    return [max(1, math.ceil(args[0].numel() / max(1, results[0].numel())))]


def as_list(results: Any) -> list[Any]:
    """One result or several, as several."""
    return list(results) if isinstance(results, tuple | list) else [results]
