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

from torch_reference.judging.difference_quotient import EPS, ROUNDINGS
from torch_reference.tolerance.rounding.exact_run import ExactRun, widened_inputs

STEPS = (1e-3, 1e-2, 1e-4, 1e-5, 1e-1)
"""The step that is right for most functions first."""
ENOUGH = 1e-9
"""With this error, in units of the value by that of the input, no further step is tried."""

Run = Callable[[Sequence[Tensor]], list[Tensor]]
At = Callable[[Tensor], Tensor]


class Jacobian(NamedTuple):
    """The derivatives of all outputs by all numbers of one input, and what they are off by.

    Shapes: values (outputs), derivatives and errors (inputs, outputs), where complex numbers are pairs; an
            error is infinite at a kink; slopes (inputs, outputs) are those of the first step alone
    """

    values: Tensor
    derivatives: Tensor
    errors: Tensor
    slopes: Tensor


def jacobian(run: Run, tensors: Sequence[Tensor], place: int) -> Jacobian:
    """Move each number of the input at that place, in float64.

    >>> found = jacobian(lambda tensors: [tensors[0] ** 2], [torch.tensor([1.0, 3.0])], 0)
    >>> torch.testing.assert_close(found.derivatives, torch.tensor([[2.0, 0.0], [0.0, 6.0]]).double())
    """
    values, flat = _values(run, tensors, place)
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
    return Jacobian(middle, best, error, first)


def first_slopes(run: Run, tensors: Sequence[Tensor], place: int) -> Tensor:
    """The slopes of the first step alone: with those of a point beside it they tell how the derivatives move.

    Shapes: (inputs, outputs)
    """
    values, flat = _values(run, tensors, place)
    steps = STEPS[0] * _sizes(flat)
    above, below = (values(flat + torch.diag(sign * steps)) for sign in (1, -1))
    return _apart(above, below) / (2 * steps).unsqueeze(1)


def pairs_of(value: Tensor) -> Tensor:
    """A complex tensor's real and imaginary parts; any other as it is."""
    return torch.view_as_real(value.resolve_conj()) if value.is_complex() else value


def _values(run: Run, tensors: Sequence[Tensor], place: int) -> tuple[At, Tensor]:
    """(all outputs in a row for each row of inputs, the input's numbers), in float64."""
    exact = list(widened_inputs({str(i): value for i, value in enumerate(tensors)}).values())
    moved = pairs_of(exact[place])

    def values(points: Tensor) -> Tensor:
        made = []
        for flat in points.unbind():
            shaped = flat.view(moved.shape)
            given = [*exact]
            given[place] = torch.view_as_complex(shaped) if exact[place].is_complex() else shaped.clone()
            with torch.no_grad(), ExactRun():
                made.append(run(given))
        rows = [
            torch.cat([pairs_of(each).reshape(-1).double() for each in found])
            if found
            else moved.new_zeros(0)
            for found in made
        ]
        return torch.stack(rows)

    return values, moved.flatten()


def _sizes(flat: Tensor) -> Tensor:
    """What each number's step is in units of: its own size, or that of the largest."""
    largest = float(flat.abs().max()) if flat.numel() else 1.0
    return torch.where(flat != 0, flat.abs(), largest or 1.0)


def _richardson(
    values: At, flat: Tensor, chosen: Tensor, middle: Tensor, size: Tensor, terms: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(derivatives, errors, slopes of the largest step): judging.difference_quotient's, of many at once."""
    if not chosen.numel():
        none = middle.new_zeros((0, middle.numel()))
        return none, none, none
    steps = [size[chosen].unsqueeze(1) / part for part in (1, 2, 4)]
    unit = torch.eye(flat.numel(), dtype=flat.dtype, device=flat.device)[chosen]
    above, below = ([values(flat + sign * one * unit) for one in steps] for sign in (1, -1))
    slopes = [_apart(a, b) / (2 * h) for a, b, h in zip(above, below, steps, strict=True)]
    coarser, finer = ((4 * fine - coarse) / 3 for coarse, fine in pairwise(slopes))
    rounding = ROUNDINGS * EPS * terms / steps[-1]
    gaps = [
        (_apart(a, middle) - _apart(middle, b)).abs() / h for a, b, h in zip(above, below, steps, strict=True)
    ]
    is_kink = (gaps[-1] > 8 * rounding) & (gaps[-1] > 0.6 * gaps[0])
    off = (finer - coarser).abs() + rounding
    return finer, torch.where(is_kink | ~finer.isfinite(), math.inf, off), slopes[0]


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """Their difference; an infinity that stays, as a mask's does, has not moved."""
    return torch.where(one == other, 0.0, one - other)
