"""How far PyTorch's series are off in float64, beside mpmath, which torch has at hand by sympy."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, special

from torch_reference.tolerance.rounding.exact_results import OF_TRIGAMMA
from torch_reference.tolerance.rounding.operations import OF_A_SERIES
from torch_reference.tolerance.rounding.roundings import unit

mpmath = pytest.importorskip("mpmath")
HALF = torch.tensor(2.5, dtype=torch.float64)

SERIES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Any], Any], float]] = {
    "ψ′′": (partial(torch.polygamma, 2), partial(mpmath.polygamma, 2), 40.0),
    "ψ′′′": (partial(torch.polygamma, 3), partial(mpmath.polygamma, 3), 40.0),
    "I₀": (torch.i0, partial(mpmath.besseli, 0), 40.0),
    "I₁": (special.i1, partial(mpmath.besseli, 1), 40.0),
    "I₁ scaled": (special.i1e, lambda x: mpmath.exp(-x) * mpmath.besseli(1, x), 40.0),
    "erfcx": (special.erfcx, lambda x: mpmath.exp(x * x) * mpmath.erfc(x), 20.0),
    "ζ": (lambda x: special.zeta(1 + x, HALF), lambda x: mpmath.zeta(1 + x, 2.5), 20.0),
    "P": (lambda x: torch.igamma(HALF, x), lambda x: mpmath.gammainc(2.5, 0, x, regularized=True), 10.0),
    "Q": (lambda x: torch.igammac(HALF, x), lambda x: mpmath.gammainc(2.5, x, regularized=True), 20.0),
}
"""By name: torch's function, mpmath's, and up to where."""


def off(function: Callable[[Tensor], Tensor], exact: Callable[[Any], Any], last: float) -> float:
    """The largest relative error at some numbers above zero, in u."""
    x = torch.linspace(0.3, last, 61, dtype=torch.float64)
    with mpmath.workdps(40):
        pairs = [
            (mpmath.mpf(found), exact(mpmath.mpf(at)))
            for at, found in zip(x.tolist(), function(x).tolist(), strict=True)
        ]
        return float(max(abs(found - right) / abs(right) for found, right in pairs)) / unit(torch.float64)


@pytest.mark.medium
def test_a_series_is_off_by_more_than_a_rounding_and_no_more_than_is_allowed() -> None:
    """It moves by √OF_A_SERIES u times 1.5, and twice that is the bound where it has moved by a deviation."""
    found = {name: off(*each) for name, each in SERIES.items()}
    assert max(found.values()) < 3 * OF_A_SERIES**0.5, found
    assert min(found.values()) > 2, found


@pytest.mark.medium
def test_trigamma_has_nine_digits() -> None:
    """Five terms of the asymptotic series, from 6 on: what is allowed is no more than twice as large."""
    found = off(partial(torch.polygamma, 1), partial(mpmath.polygamma, 1), 5.0) * unit(torch.float64)
    assert OF_TRIGAMMA / 2 < found < 3 * OF_TRIGAMMA
