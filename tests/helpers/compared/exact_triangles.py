"""What a triangle gives, beside rational arithmetic."""

from fractions import Fraction

from torch import Tensor

import manual_backprop
from manual_backprop import LESSON_WRT
from manual_backprop.fast.triangle import Triangle
from manual_backprop.fast.triangle_descent import rounding, ssr_and_derivatives


def exact(parameters: dict[str, Tensor], inputs: Tensor, observed: Tensor) -> dict[str, Fraction]:
    """The SSR and the derivatives by rational arithmetic, from the activations of float64."""
    given = [{name: value.double() for name, value in parameters.items()}, inputs.double(), observed.double()]
    trace = manual_backprop.forward(*given)
    w3, w4, b3 = (Fraction(given[0][name].item()) for name in LESSON_WRT)
    found = dict.fromkeys(("ssr", *LESSON_WRT), Fraction(0))
    for y1, y2, seen in zip(trace.y1.tolist(), trace.y2.tolist(), trace.observed.tolist(), strict=True):
        y1, y2 = Fraction(y1), Fraction(y2)
        residual = Fraction(seen) - (w3 * y1 + w4 * y2 + b3)
        found["ssr"] += residual**2
        for name, link in zip(LESSON_WRT, (y1, y2, 1), strict=True):
            found[name] += -2 * residual * link
    return found


def flat(ssr_and_others: tuple[Tensor, dict[str, Tensor]]) -> dict[str, Tensor]:
    """The SSR and the derivatives by name."""
    ssr, others = ssr_and_others
    return {"ssr": ssr, **others}


def beyond_the_bound(one: Triangle, parameters: dict[str, Tensor], truth: dict[str, Fraction]) -> list[str]:
    """The names of what is further from the truth than the derived bound."""
    found = flat(ssr_and_derivatives(one, parameters))
    bound = flat(rounding(one, parameters))
    return [
        name
        for name in truth
        if abs(Fraction(found[name].item()) - truth[name]) > Fraction(bound[name].item())
    ]
