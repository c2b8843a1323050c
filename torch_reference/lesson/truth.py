"""The third witness: mpmath at 50 digits, differentiating the forward pass numerically.

It shares neither derivation: no formula of a derivative stands here, only the network and a difference
quotient.
"""

from collections.abc import Callable, Mapping, Sequence

import mpmath
import torch

from torch_reference.lesson.gradient import LOCAL_LINKS
from torch_reference.lesson.network import PARAMETERS

DIGITS = 50
"""Working precision; raised where a derivative is too small beside its function for 50 digits to see."""

CERTAIN = mpmath.mpf(10) ** -30
"""Largest error of a derivative, relative to it."""

NEGLIGIBLE = mpmath.mpf(10) ** -360
"""A derivative below this, far below the smallest float64 of 5e-324, need not be certain."""

Numbers = Mapping[str, float | mpmath.mpf]


def true_derivative(
    name: str, parameters: Numbers, inputs: Sequence[float], observed: Sequence[float]
) -> list[mpmath.mpf]:
    """The exact value of a derivative of the SSR, or of a link of its chain, to at least 30 digits.

    Formula: (f(h) − f(−h)) / 2h with h so small that the remainder is beyond the digits that are kept
    Shapes:  a parameter's name (w1 … b3) gives one number, a link's name (d_A_d_B) one per observation
    Errors:  ValueError for a name that is neither
    """
    data = list(zip(inputs, observed, strict=True))
    if name in PARAMETERS:
        return [differentiate(lambda shift: _ssr(parameters, data, {name: shift}))]
    output, variable = _parse_link(name)
    return [differentiate(_along(output, variable, parameters, x, y)) for x, y in data]


def roundings(value: float, exact: mpmath.mpf, dtype: torch.dtype) -> float:
    """How many roundings a computed value is off: its error in units of eps / 2 of the exact value.

    Formula: |value − exact| / (eps / 2 · |exact|), and below the smallest normal number in units of
             half the spacing there
    """
    info = torch.finfo(dtype)
    with mpmath.workdps(DIGITS):
        unit = mpmath.mpf(info.eps) / 2 * max(abs(exact), mpmath.mpf(info.tiny))
        return float(abs(mpmath.mpf(value) - exact) / unit)


def who_is_wrong(manual: float, reference: float, exact: mpmath.mpf, bound: float) -> str:
    """Name the witness that lies further from the exact value than rounding can explain.

    Formula: a correct witness lies within bound / 2, the radius that docs/tolerance.md derives
    """
    with mpmath.workdps(DIGITS):
        # A witness that is NaN or infinite is never within the radius.
        manual_right = bool(abs(mpmath.mpf(manual) - exact) <= bound / 2)
        reference_right = bool(abs(mpmath.mpf(reference) - exact) <= bound / 2)
    if manual_right and reference_right:
        return "neither"
    if manual_right:
        return "reference"
    return "manual" if reference_right else "both"


def _ssr(parameters: Numbers, data: Sequence[tuple[float, float]], shift: Numbers) -> mpmath.mpf:
    residuals = [intermediates(parameters, x, y, shift)["residual"] for x, y in data]
    return mpmath.fsum(residual**2 for residual in residuals)


def _parse_link(name: str) -> tuple[str, str]:
    output, _, variable = name.removeprefix("d_").partition("_d_")
    if variable in (LOCAL_LINKS if output == "ssr" else LOCAL_LINKS.get(output, ())):
        return output, variable
    raise ValueError(f"unknown derivative {name!r}: expected a parameter ({', '.join(PARAMETERS)}) or a link")


def _along(
    output: str, variable: str, parameters: Numbers, x: float, y: float
) -> Callable[[mpmath.mpf], mpmath.mpf]:
    """One observation's output as a function of a shift of one parameter or intermediate."""

    def shifted(shift: mpmath.mpf) -> mpmath.mpf:
        values = intermediates(parameters, x, y, {variable: shift})
        # No other observation's residual depends on this observation's intermediates.
        return values["residual"] ** 2 if output == "ssr" else values[output]

    return shifted


def intermediates(parameters: Numbers, x: float, y: float, shift: Numbers) -> dict[str, mpmath.mpf]:
    """Every intermediate of one observation, with shifts of parameters or intermediates by name."""
    p = {name: mpmath.mpf(value) + shift.get(name, 0) for name, value in parameters.items()}
    v: dict[str, mpmath.mpf] = {}
    v["x1"] = p["w1"] * x + p["b1"] + shift.get("x1", 0)
    v["y1"] = mpmath.log1p(mpmath.exp(v["x1"])) + shift.get("y1", 0)
    v["x2"] = p["w2"] * x + p["b2"] + shift.get("x2", 0)
    v["y2"] = mpmath.log1p(mpmath.exp(v["x2"])) + shift.get("y2", 0)
    terms = [p["w3"] * v["y1"], p["w4"] * v["y2"], p["b3"], shift.get("predicted", 0)]
    # Summed exactly: where large terms cancel, a shift that moves what is left is not lost beside them.
    v["predicted"] = mpmath.fsum(terms)
    return v | {"residual": mpmath.fsum([y, *(-term for term in terms)])}


def differentiate(function: Callable[[mpmath.mpf], mpmath.mpf]) -> mpmath.mpf:
    """Derivative at a shift of zero, with the precision raised until 30 digits of it are certain."""
    digits = DIGITS
    while True:
        with mpmath.workdps(digits):
            derivative = mpmath.diff(function, 0)
            # mpmath.diff takes a step of this size, with twice the digits, of which cancellation takes half:
            # what is lost is relative to the function at the step, which may be far larger than at zero. It
            # is smaller by no more than the derivative times the step.
            step = +mpmath.eps
            if abs(function(step)) * step <= max(CERTAIN * abs(derivative), NEGLIGIBLE):
                return derivative
        digits *= 2
