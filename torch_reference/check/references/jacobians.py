"""All derivatives of a function's outputs by difference quotients of its values in float64, once a point.

Whatever the upstream gradients are, the gradient is their product with these; so a check of many ways of
calling moves each number once. What each derivative may be off by is known beside it.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.check.references.batched import AtOnce
from torch_reference.check.references.coarse import (
    NEAR,
    Run,
    apart,
    apart_by,
    compared,
    in_a_row,
    is_noisy,
    pairs_of,
    unit_of_outputs,
)
from torch_reference.judging.directional.difference_quotient import EPS, ROUNDINGS
from torch_reference.tolerance.rounding.exact_run import widened_inputs

STEPS = (1e-3, 1e-2, 1e-4, 1e-5, 1e-1)
"""The step that is right for most functions first."""
NEARER = 1e-7
"""As near as slopes can be told from roundings."""
ENOUGH = 1e-9
"""With this error, in units of the value by that of the input, no further step is tried."""

At = Callable[[Tensor], Tensor]


class Jacobian(NamedTuple):
    """The derivatives of all outputs by all numbers of one input, and what they are off by.

    Shapes: values (outputs), derivatives and errors (inputs, outputs), where complex numbers are pairs; an
            error is infinite at a kink; slopes (inputs, outputs) are those of the first step alone; unit is
            that of a coarser precision that the function works in, 0 where it works in its inputs'
    """

    values: Tensor
    derivatives: Tensor
    errors: Tensor
    slopes: Tensor
    unit: float = 0.0


def jacobian(run: Run, tensors: Sequence[Tensor], place: int) -> Jacobian:
    """Move each number of the input at that place, in float64.

    What says float32 inside is run in float64 all the same. Of float64's inputs constants that were made in
    float32 are part of the function, whose values then show no noise; where they do, it works in float32.

    >>> found = jacobian(lambda tensors: [tensors[0] ** 2], [torch.tensor([1.0, 3.0])], 0)
    >>> torch.testing.assert_close(found.derivatives, torch.tensor([[2.0, 0.0], [0.0, 6.0]]).double())
    """
    values, flat, is_coarse = _values(run, tensors, place)
    if is_coarse and not is_noisy(run, tensors):
        return _jacobian(*_values(run, tensors, place, plainly=True)[:2])
    unit = torch.finfo(torch.float32).eps / 2 if is_coarse else 0.0
    return _of_outputs(_jacobian(values, flat)._replace(unit=unit), unit_of_outputs(run, tensors), flat)


def _of_outputs(found: Jacobian, unit: float, flat: Tensor) -> Jacobian:
    """The same, as sure as values are that come out in a coarser precision: a step may move none of them."""
    if not unit:
        return found
    off = ROUNDINGS * unit * found.values.abs() / (min(STEPS) * _sizes(flat)).unsqueeze(1)
    return found._replace(errors=found.errors + off, unit=max(unit, found.unit))


def _jacobian(values: At, flat: Tensor) -> Jacobian:
    middle = values(flat.unsqueeze(0))[0]
    shape = (flat.numel(), middle.numel())
    terms, size = 1 + middle.abs().nan_to_num(posinf=0.0), _sizes(flat)
    best, error = middle.new_zeros(shape), middle.new_full(shape, math.inf)
    first, open_ = best, torch.arange(flat.numel(), device=flat.device)
    for step in STEPS:
        slope, off, coarse = _richardson(values, flat, open_, middle, step * size, terms)
        first = coarse if step == STEPS[0] else first
        better = off < error[open_]
        best[open_] = torch.where(better, slope, best[open_])
        error[open_] = torch.where(better, off, error[open_])
        open_ = open_[(error[open_] > ENOUGH * terms / size[open_].unsqueeze(1)).any(1)]
        if not open_.numel():
            break
    return Jacobian(middle, best, _of_strips(values, flat, middle, best, error), first)


def _of_strips(values: At, flat: Tensor, middle: Tensor, best: Tensor, error: Tensor) -> Tensor:
    """The errors, infinite where the slope is another still nearer to an exact zero, where kinks are."""
    zeros = (flat == 0).nonzero().flatten()
    if not zeros.numel():
        return error
    step = NEARER * _sizes(flat)[zeros].unsqueeze(1)
    unit = torch.eye(flat.numel(), dtype=flat.dtype, device=flat.device)[zeros]
    slope = apart(values(flat + step * unit), values(flat - step * unit)) / (2 * step)
    rounding = ROUNDINGS * EPS * (1 + middle.abs().nan_to_num(posinf=0.0)) / step
    off = (slope - best[zeros]).abs() > error[zeros] + 8 * rounding
    error = error.clone()
    error[zeros] = torch.where(off, math.inf, error[zeros])
    return error


def first_slopes(run: Run, tensors: Sequence[Tensor], place: int, unit: float = 0.0) -> Tensor:
    """The slopes of the first step alone: with those of a point beside it they tell how the derivatives move.

    unit is that of the Jacobian that they are compared with.

    Shapes: (inputs, outputs)
    """
    values, flat, is_coarse = _values(run, tensors, place)
    if is_coarse and not unit:
        values = _values(run, tensors, place, plainly=True)[0]
    steps = STEPS[0] * _sizes(flat)
    above, below = (values(flat + torch.diag(sign * steps)) for sign in (1, -1))
    return apart(above, below) / (2 * steps).unsqueeze(1)


def _values(
    run: Run, tensors: Sequence[Tensor], place: int, plainly: bool = False
) -> tuple[At, Tensor, bool]:
    """(all outputs in a row for each row of inputs, the input's numbers, whether float32 is inside)."""
    exact = list(widened_inputs({str(i): value for i, value in enumerate(tensors)}).values())
    moved = pairs_of(exact[place])
    # As it is it is faster by far; in float64 throughout it is wanted where that is something else.
    is_plain = plainly or in_a_row(run, exact, True) is not None
    is_coarse = False
    if is_plain and not plainly:
        is_double = any(value.dtype == torch.float64 for value in tensors)
        is_plain, is_coarse = compared(run, exact, is_double)
        if is_double and not is_coarse:  # where numbers are equal, or zero, nothing is rounded, or all
            is_coarse = compared(run, apart_by(NEAR, exact), is_double)[1]
            is_plain = is_plain and not is_coarse

    def one(shaped: Tensor) -> Tensor:
        given = [*exact]
        given[place] = torch.view_as_complex(shaped) if exact[place].is_complex() else shaped.clone()
        row = in_a_row(run, given, is_plain)
        return in_a_row(run, given, False) if row is None else row

    at_once = AtOnce(run, exact, place, is_plain, one)

    def values(points: Tensor) -> Tensor:
        shaped = points.view(-1, *moved.shape)
        rows = at_once(shaped)
        return torch.stack([one(point) for point in shaped.unbind()]) if rows is None else rows

    return values, moved.flatten(), is_coarse


def _sizes(flat: Tensor) -> Tensor:
    """What each number's step is in units of: its own size, or that of the largest."""
    largest = float(flat.abs().max()) if flat.numel() else 1.0
    return torch.where(flat != 0, flat.abs(), largest or 1.0)


def _richardson(
    values: At, flat: Tensor, chosen: Tensor, middle: Tensor, size: Tensor, terms: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(derivatives, errors, slopes of the largest step): as difference_quotient has them, of many at once."""
    if not chosen.numel():
        none = middle.new_zeros((0, middle.numel()))
        return none, none, none
    steps = [size[chosen].unsqueeze(1) / part for part in (1, 2, 4)]
    unit = torch.eye(flat.numel(), dtype=flat.dtype, device=flat.device)[chosen]
    above, below = ([values(flat + sign * one * unit) for one in steps] for sign in (1, -1))
    slopes = [apart(a, b) / (2 * h) for a, b, h in zip(above, below, steps, strict=True)]
    coarser, finer = ((4 * fine - coarse) / 3 for coarse, fine in pairwise(slopes))
    rounding = ROUNDINGS * EPS * terms / steps[-1]
    gaps = [
        (apart(a, middle) - apart(middle, b)).abs() / h for a, b, h in zip(above, below, steps, strict=True)
    ]
    is_kink = (gaps[-1] > 8 * rounding) & (gaps[-1] > 0.6 * gaps[0])
    off = (finer - coarser).abs() + rounding
    return finer, torch.where(is_kink | ~finer.isfinite(), math.inf, off), slopes[0]
