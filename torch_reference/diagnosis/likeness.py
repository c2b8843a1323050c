"""What a wrong link looks like beside what autograd makes of the same upstream gradient."""

import math
from fractions import Fraction

import torch
from torch import Tensor

from torch_reference.diagnosis.diagnosis_kinds import KINDS
from torch_reference.diagnosis.pattern_kinds import PATTERNS
from torch_reference.judging.finding import Diagnosis

FEWEST = 3
"""Of fewer numbers a common factor may be a coincidence, unless it is a plain one in float64."""
PLAIN = {-1.0: "wrong sign", 2.0: "factor 2", 0.5: "factor 1/2"}


def likeness(manual: Tensor, expected: Tensor, value: Tensor | None = None) -> Diagnosis | None:
    """The kind of the mistake, where one relation holds for every element; None where none does.

    Where what they are the gradients of is known to have a few values only, as of zeros and ones, no factor
    is told: 5 x for 3 x² is 5/3 of it there. None of complex numbers is known.

    Shapes: expected is in float64; manual has its shape, or another that is wrong
    """
    if manual.is_complex() or expected.is_complex():
        return None
    found, expected = manual.detach().double(), expected.detach()
    close = torch.finfo(manual.dtype).eps ** 0.5
    if found.shape != expected.shape:
        return _of_another_shape(found, expected, close)
    if not found.isfinite().all() or not expected.isfinite().all() or not expected.any():
        return None
    if not found.any():
        return None  # a mask may do that, at one point
    factor = _factor(found, expected, close)
    if factor is not None:
        return _of_a_factor(factor, expected, manual.dtype) if value is None or _is_varied(value) else None
    if expected.ndim == 2 and expected.shape[0] == expected.shape[1] and _alike(found, expected.mT, close):
        return _said("transposed")
    return _of_rows(found, expected, close)


def _is_varied(value: Tensor) -> bool:
    values = torch.unique(value.detach().abs())
    return len(values) >= min(FEWEST, value.numel()) and bool(((values != 0) & (values != 1)).any())


def _of_another_shape(found: Tensor, expected: Tensor, close: float) -> Diagnosis | None:
    if found.ndim == 2 and found.mT.shape == expected.shape and _alike(found.mT, expected, close):
        return _said("transposed")
    dims = summed_over(found, expected, close)
    if dims:
        return _said("missing sum", where=", ".join(map(str, dims)))
    if found.numel() == expected.numel() and _alike(found.flatten(), expected.flatten(), close):
        sentence, mend = PATTERNS["another shape"]
        shapes = {"found": f"{tuple(found.shape)}", "expected": f"{tuple(expected.shape)}"}
        return Diagnosis("another shape", sentence.format(**shapes), mend)
    return None


def summed_over(found: Tensor, expected: Tensor, close: float) -> tuple[int, ...]:
    """The dimensions over which the numbers, summed, are right; none if no such sum is.

    Shapes: found (a, b, c, …); expected what is left of it when some dimensions are summed, or kept as 1
    """
    for dims in _subsets(found.ndim):
        for keepdim in (False, True):
            total = found.sum(dims, keepdim=keepdim)
            if total.shape == expected.shape and _alike(total, expected, close):
                return dims
    return ()


def _subsets(ndim: int) -> list[tuple[int, ...]]:
    every = [tuple(d for d in range(ndim) if code >> d & 1) for code in range(1, 1 << min(ndim, 6))]
    return sorted(every, key=len)


def _factor(found: Tensor, expected: Tensor, close: float) -> float | None:
    """The one factor between them; exact zeros must be zeros in both, and a factor near 1 must explain it."""
    factor = float((found * expected).sum() / (expected * expected).sum())
    # Where the elements' own factors differ by as much as theirs does from 1, it is none; roundings may.
    near = min(close, max(abs(factor - 1) / 16, 8 * close**2))
    if not factor or not _alike(found, factor * expected, near):
        return None
    left, error = (float((found - part * expected).norm()) for part in (factor, 1.0))
    return factor if left <= error / 2 else None


def _of_a_factor(factor: float, expected: Tensor, dtype: torch.dtype) -> Diagnosis | None:
    close = torch.finfo(dtype).eps ** 0.5
    numbers = torch.unique(expected[expected != 0])
    for plain, kind in PLAIN.items():
        if abs(factor - plain) <= close * abs(plain):
            return _said(kind) if dtype == torch.float64 or len(numbers) >= FEWEST else None
    if len(numbers) < FEWEST:
        return None
    sentence, mend = PATTERNS["constant factor"]
    return Diagnosis("constant factor", sentence.format(factor=as_written(factor, close)), mend)


CERTAIN = 1e-3
"""The factor between many elements is known so well in any precision."""


def as_written(factor: float, close: float) -> str:
    """A number, and the whole number, fraction or root that it is, if that can hardly be chance.

    Near any number there is a fraction; one is named if fewer than one in ten numbers are as near to one.

    >>> as_written(0.2, 1e-8), as_written(3**0.5, 1e-8), as_written(2 / 3, 1e-8), as_written(0.123456, 1e-8)
    ('0.2, that is 1/5', '1.73205, that is √3', '0.666667, that is 2/3', '0.123456')
    >>> as_written(1.5, 0.09), as_written(1.03, 0.09), as_written(1.7, 0.09)
    ('1.5, that is 3/2', '1.03', '1.7')
    >>> as_written(1.0000002, 1e-8)
    '1 + 2e-07'
    """
    close = min(close, CERTAIN)
    largest = min(10_000, 1 / (40 * close))
    shown = f"{factor:.6g}" if abs(factor - 1) > 1e-5 else f"1 + {factor - 1:.3g}"
    sign, size = "−" * (factor < 0), abs(factor)
    for text, whole in (("{}", size), ("1/{}", 1 / size), ("√{}", size**2), ("1/√{}", 1 / size**2)):
        near = round(whole)
        if 1 < near < largest and abs(whole - near) <= 2 * close * near:
            exact = sign + text.format(near)
            return shown if exact == shown else f"{shown}, that is {exact}"
    ratio = Fraction(size).limit_denominator(min(99, math.isqrt(int(largest))))
    if ratio.denominator > 1 and abs(size - ratio) <= 2 * close * size:
        return f"{shown}, that is {sign}{ratio}"
    return shown


def _of_rows(found: Tensor, expected: Tensor, close: float) -> Diagnosis | None:
    """Every element right or zero, and one of them zero that is not to be."""
    right = (found - expected).abs() <= close * expected.abs()
    if bool(right.all()) or not bool((right | (found == 0)).all()):
        return None
    if bool((right & (expected != 0)).sum() >= FEWEST):
        return Diagnosis("mask", *PATTERNS["mask"])
    return None


def _alike(found: Tensor, expected: Tensor, close: float) -> bool:
    scale = torch.maximum(found.abs(), expected.abs())
    return bool(((found - expected).abs() <= close * scale + 1e-3 * close * expected.abs().max()).all())


def _said(kind: str, **values: str) -> Diagnosis:
    sentence, mend = KINDS[kind]
    return Diagnosis(kind, sentence.format(**values), mend.format(**values))
