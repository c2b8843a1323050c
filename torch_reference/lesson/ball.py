"""Ball arithmetic: an exact value, and how far a floating-point evaluation of it may stray.

A ball promises that every evaluation of the same formula in the working precision, by either witness and in
any order of its sums, lies within `radius` of the exact value; and so does `middle`. The rules below are
derived, one by one, in docs/tolerance.md; nothing in them is tuned.
"""

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

MARGIN = 1 + 2.0**-20
"""Covers what is left out on the way: (1 + u)⁵ − 1 − 5u, and the rounding of the bound's own evaluation."""


@dataclass(frozen=True, eq=False)
class Ball:
    """A value known to within rounding: middle ± radius, both float64 tensors of one shape."""

    middle: Tensor
    radius: Tensor

    @property
    def size(self) -> Tensor:
        """Upper bound for the absolute value of the exact result and of every evaluation of it."""
        # The exact value is within one radius of the middle, and an evaluation within one more of that.
        return self.middle.abs() + 2 * self.radius

    def scaled(self, power_of_two: float) -> "Ball":
        """Multiply by ±1, ±2, ±4, …: exact in binary."""
        return Ball(power_of_two * self.middle, abs(power_of_two) * self.radius)


@dataclass(frozen=True)
class Rounding:
    """The working precision: what one operation may be wrong by.

    Formula: fl(a ∘ b) = (a ∘ b)(1 + δ) + η with |δ| ≤ unit and |η| ≤ smallest, η ≠ 0 for products only
    """

    unit: float
    smallest: float
    smallest_normal: float
    elementary_ulps: int
    """Largest error of exp and log1p in units in the last place, as their makers state it."""

    @classmethod
    def of(cls, dtype: torch.dtype, device: torch.device) -> "Rounding":
        """Round to nearest in a binary floating-point type: unit = eps / 2, gradual underflow."""
        info = torch.finfo(dtype)
        return cls(
            unit=info.eps / 2,
            smallest=info.tiny * info.eps,
            smallest_normal=info.tiny,
            # SLEEF's u10 functions, which torch uses on CPUs, state 1.0; CUDA's expf and log1pf at most 2.
            elementary_ulps=2 if device.type == "cuda" else 1,
        )

    def exact(self, value: Tensor) -> Ball:
        """A given number: both witnesses read the same bits."""
        middle = value.double()
        return Ball(middle, torch.zeros_like(middle))

    def product(self, a: Ball, b: Ball) -> Ball:
        """|â b̂ − ab| ≤ |â − a| |b̂| + |a| |b̂ − b|, and one rounding of the product."""
        radius = a.radius * b.size + a.size * b.radius + self.unit * a.size * b.size + self.smallest
        return Ball(a.middle * b.middle, radius)

    def plus(self, a: Ball, b: Ball) -> Ball:
        """Sum of two: one rounding of the result, which may be far smaller than a and b."""
        middle, radius = a.middle + b.middle, a.radius + b.radius
        return Ball(middle, radius + self.unit * (middle.abs() + 2 * radius))

    def total(self, *terms: Ball) -> Ball:
        """Sum of a few balls, whichever pair is added first: n − 1 additions, as in sum."""
        middle = reduce(torch.add, (term.middle for term in terms))
        radius = reduce(torch.add, (term.radius for term in terms))
        size = reduce(torch.add, (term.size for term in terms))
        return Ball(middle, radius + (len(terms) - 1) * self.unit * size)

    def sum(self, terms: Ball) -> Ball:
        """Sum over the last dimension, in any order: n − 1 additions, wrong by (n − 1) u Σ|terms|."""
        additions = terms.middle.shape[-1] - 1
        radius = terms.radius.sum(-1) + additions * self.unit * terms.size.sum(-1)
        return Ball(terms.middle.sum(-1), radius)

    def softplus(self, x: Ball) -> Ball:
        """SoftPlus: radius of x times the largest slope, and the roundings of exp, log1p and one sum."""
        # torch.sigmoid is 0 where its exact value is below smallest_normal; the slope is not.
        largest_slope = torch.sigmoid(x.middle + 2 * x.radius) + self.smallest_normal
        middle = torch.logaddexp(x.middle, x.middle.new_zeros(()))
        largest = middle + 2 * largest_slope * x.radius
        own = (4 * self.elementary_ulps + 1) * self.unit * largest + 2 * self.smallest
        return Ball(middle, largest_slope * x.radius + own)

    def sigmoid(self, x: Ball) -> Ball:
        """Sigmoid: radius of x times the largest slope, and the roundings of exp, a sum and a quotient."""
        below, above = x.middle - 2 * x.radius, x.middle + 2 * x.radius
        largest_slope = torch.sigmoid(above) * torch.sigmoid(-below)
        own = (2 * self.elementary_ulps + 2) * self.unit * torch.sigmoid(above)
        # torch.sigmoid is 0 where exp(−x) overflows: there the exact value is below smallest_normal.
        return Ball(torch.sigmoid(x.middle), largest_slope * x.radius + own + self.smallest_normal)
