"""What a wrong gradient looks like beside the right one, element by element, where no mistake explains it."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torch_reference.diagnosis.likeness import FEWEST, as_written, likeness
from torch_reference.diagnosis.pattern_kinds import PATTERNS
from torch_reference.diagnosis.random_draws import Draw, alike
from torch_reference.judging.report import UNKNOWN, Diagnosis

DECIMALS = range(7)
FEW = 1e-3
"""Relative errors below this are digits that were lost, not another formula."""


def pattern(drawn: Sequence[Draw], name: str) -> Diagnosis:
    """The pattern that all draws show, or UNKNOWN."""
    shape = _another_shape(drawn, name)
    if shape is not None:
        return shape
    likely = [likeness(draw.manual[name], draw.reference[name].double()) for draw in drawn]
    if likely[0] is not None and likely[0].kind == "missing sum" and likely.count(likely[0]) == len(likely):
        return likely[0]
    pairs = [(draw.manual[name].double(), draw.reference[name].double()) for draw in drawn]
    if any(manual.shape != right.shape or manual.device != right.device for manual, right in pairs):
        return UNKNOWN
    lost = [int((~manual.isfinite() & right.isfinite()).sum()) for manual, right in pairs]
    if all(lost):
        return _described("not finite", count=f"{lost[0]} of {pairs[0][0].numel()}")
    if any(not manual.isfinite().all() for manual, _ in pairs):
        return UNKNOWN
    closeness = torch.finfo(drawn[0].manual[name].dtype).eps ** 0.5
    for found in (
        _new_value(drawn, name, closeness),
        _rows(pairs, closeness),
        _factors(pairs, closeness),
        _digits(pairs, drawn[0].manual[name].dtype),
    ):
        if found is not None:
            return found
    return UNKNOWN


def _another_shape(drawn: Sequence[Draw], name: str) -> Diagnosis | None:
    for draw in drawn:
        manual, right = draw.manual[name], draw.reference[name]
        if manual.shape == right.shape or manual.numel() != right.numel() or manual.device != right.device:
            return None
        if not torch.allclose(manual.double().flatten(), right.double().flatten(), rtol=1e-6, atol=0):
            return None
    manual, right = drawn[0].manual[name], drawn[0].reference[name]
    return _described("another shape", found=f"{tuple(manual.shape)}", expected=f"{tuple(right.shape)}")


def _new_value(drawn: Sequence[Draw], name: str, closeness: float) -> Diagnosis | None:
    """The parameter minus a multiple of its gradient, the same multiple in every draw."""
    rates = []
    for draw in drawn:
        if name not in draw.point or draw.point[name].shape != draw.manual[name].shape:
            return None
        step = (draw.point[name] - draw.manual[name]).double()
        right = draw.reference[name].double()
        if not right.any():
            return None
        rates.append((step * right).sum() / (right * right).sum())
        if (step - rates[-1] * right).norm() > closeness * (step.norm() + draw.point[name].double().norm()):
            return None
    rate = torch.stack(rates)
    same = bool(((rate - rate[0]).abs() <= 1e-6 * rate[0].abs()).all())
    return _described("new value", rate=f"{rate[0].item():.3g} times") if same and rate[0] != 0 else None


def _rows(pairs: Sequence[tuple[Tensor, Tensor]], closeness: float) -> Diagnosis | None:
    """Every element either right or zero; the zeros perhaps from one row on."""
    off = []
    for manual, right in pairs:
        is_right = (manual - right).abs() <= closeness * right.abs()
        if not bool((is_right | (manual == 0)).all()) or not bool((~is_right).any()):
            return None
        off.append(~is_right)
    if any(bool(wrong.all()) for wrong in off):
        return None
    for dimension in range(off[0].ndim):
        firsts = [
            _first_of_a_tail(wrong, right, dimension) for wrong, (_, right) in zip(off, pairs, strict=True)
        ]
        if all(first is not None for first in firsts):
            return _described("last rows missing", first=str(firsts[0]), dimension=str(dimension))
    return _described("mask")


def _first_of_a_tail(wrong: Tensor, right: Tensor, dimension: int) -> int | None:
    """The first index of a dimension from which on all is wrong that is not zero anyway."""
    rows = wrong.movedim(dimension, 0).flatten(1).any(1) if wrong.ndim > 1 else wrong
    full = (wrong | (right == 0)).movedim(dimension, 0).flatten(1).all(1) if wrong.ndim > 1 else wrong
    first = int(rows.nonzero()[0])
    return first if first and bool(full[first:].all()) else None


def constant_factor(drawn: Sequence[Draw], name: str) -> Diagnosis | None:
    """One factor of every element, the same in all draws, which are three or more."""
    pairs = [(draw.manual[name], draw.reference[name]) for draw in drawn]
    manual, right = pairs[0]
    if len(pairs) < 3 or manual.shape != right.shape or manual.device != right.device or not right.any():
        return None
    factor = float((manual.double() * right.double()).sum() / right.double().square().sum())
    is_same = (alike(manual, (factor * right).to(manual.dtype)) for manual, right in pairs)
    if not math.isfinite(factor) or not all(is_same):
        return None
    left, error = (
        sum(float((manual.double() - part * right.double()).norm()) for manual, right in pairs)
        for part in (factor, 1.0)
    )
    if left > error / 2 or all(alike(*pair) for pair in pairs):  # half of the digits of 16 bits are none
        return None
    return _described("constant factor", factor=as_written(factor, torch.finfo(manual.dtype).eps ** 0.5))


def _factors(pairs: Sequence[tuple[Tensor, Tensor]], closeness: float) -> Diagnosis | None:
    """A factor of its own for each element, the same in all draws."""
    # An element whose right value is zero tells no factor, and must be zero on both sides.
    if len(pairs) < 3 or any(bool(((right == 0) & (manual != 0)).any()) for manual, right in pairs):
        return None
    factors = [torch.where(right == 0, torch.nan, manual / right) for manual, right in pairs]
    if len({factor.shape for factor in factors}) > 1:
        return None
    stacked = torch.stack(factors)
    middle = stacked.nanmedian(0).values
    if bool(((stacked - middle).abs() > closeness * middle.abs().clamp(min=1)).any()):
        return None
    if bool((middle.abs() <= closeness).all()):  # it has cancelled: what is left of it are roundings
        return None
    count = int(((middle - 1).abs() > closeness).sum())
    return _described("constant factor per element", count=f"{count} of {middle.numel()}") if count else None


def _digits(pairs: Sequence[tuple[Tensor, Tensor]], dtype: torch.dtype) -> Diagnosis | None:
    """A right gradient that has lost digits."""
    relative = [((manual - right).abs() / right.abs())[right != 0] for manual, right in pairs]
    for decimals in DECIMALS:
        rounded = all(torch.equal(manual, manual.round(decimals=decimals)) for manual, _ in pairs)
        if rounded and all(
            bool(((manual - right).abs() <= 0.501 * 10.0**-decimals).all()) for manual, right in pairs
        ):
            return _described("rounded digits", digits=str(decimals))
    for coarse in (torch.float16, torch.bfloat16):
        if all(_is_only_rounded(manual, right, coarse, dtype) for manual, right in pairs):
            return _described("half precision", dtype=str(coarse).removeprefix("torch."))
    if all(_is_only_rounded(manual, right, torch.float32, dtype) for manual, right in pairs):
        return _described("single precision")
    # Of a single element it is no matter of digits.
    if any(not len(each) or each.max() > FEW or (each > 1e-14).double().mean() < 0.5 for each in relative):
        return None
    if dtype != torch.float64:
        return None
    worst = max(float(each.max()) for each in relative)
    if worst < 1e-5 and all(torch.equal(manual, manual.float().double()) for manual, _ in pairs):
        return _described("single precision")  # of few numbers, too
    return _described("few digits", digits=str(int(-math.log10(worst))))


def _is_only_rounded(manual: Tensor, right: Tensor, coarse: torch.dtype, dtype: torch.dtype) -> bool:
    """Whether all are numbers of a coarser precision than their own, and off by its roundings at most."""
    # A number or two may be short by themselves, as a 2 that should have been 2.001.
    if len(torch.unique(manual)) < FEWEST or torch.finfo(coarse).bits >= torch.finfo(dtype).bits:
        return False
    if not torch.equal(manual, manual.to(coarse).double()):
        return False
    roundings = 64 if coarse is torch.float32 else 1  # of one element that cancels they may be all of it
    return bool((manual - right).norm() <= roundings * torch.finfo(coarse).eps * right.norm())


def _described(kind: str, **values: str) -> Diagnosis:
    sentence, mend = PATTERNS[kind]
    return Diagnosis(kind, sentence.format(**values), mend)
