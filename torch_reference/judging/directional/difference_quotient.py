"""A derivative by difference quotients in float64, with what it may be off by: truncation and rounding both.

Formula: (4 D(h/2) − D(h)) / 3 with D(h) = (f(h) − f(−h)) / 2h (Richardson), over several h of which the best
         is taken. Its error is the distance of two such extrapolations, plus what f's roundings make of it.
At a kink the slopes on its two sides stay apart however small h is; then nothing is the derivative.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

STEPS = (1e-3, 1e-2, 1e-1, 1e-4, 1e-5)
"""The largest h of each try, in units of the size of what is moved; first the one that is best most often."""
ROUNDINGS = 64
"""Roundings of the terms of f that its value may be off by: more than any path of a formula has."""
EPS = 2.0**-52


class Estimate(NamedTuple):
    """The derivative at one element, and how far it may be from the exact one: infinitely far at a kink."""

    value: float
    error: float


def estimated(function: Callable[[float], float], size: float, terms: float, enough: float = 0.0) -> Estimate:
    """The derivative of a function of one number at 0.

    size is that of what the number is added to; terms, that of the terms that the function adds up, besides
    its value. With an error of enough no further step is tried.
    """
    best = Estimate(0.0, math.inf)
    middle = function(0.0)
    for step in STEPS:
        if best.error <= enough:
            break
        estimate = _richardson(function, middle, step * size, terms)
        if estimate.error < best.error:
            best = estimate
    return best


def _richardson(function: Callable[[float], float], middle: float, step: float, terms: float) -> Estimate:
    steps = (step, step / 2, step / 4)
    above, below = ([function(sign * one) for one in steps] for sign in (1, -1))
    slopes = [(a - b) / (2 * h) for a, b, h in zip(above, below, steps, strict=True)]
    coarser, finer = ((4 * fine - coarse) / 3 for coarse, fine in pairwise(slopes))
    rounding = ROUNDINGS * EPS * (terms + abs(middle)) / steps[-1]
    if not math.isfinite(finer):
        return Estimate(0.0, math.inf)
    # The slopes on both sides are h f'' apart: at a quarter of h, by a quarter; at a kink they stay apart.
    gaps = [abs((a - middle) - (middle - b)) / h for a, b, h in zip(above, below, steps, strict=True)]
    if gaps[-1] > 8 * rounding and gaps[-1] > 0.6 * gaps[0]:
        return Estimate(finer, math.inf)
    return Estimate(finer, abs(finer - coarser) + rounding)
