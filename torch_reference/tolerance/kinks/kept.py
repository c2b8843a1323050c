"""The part of a sum that is the same on all sides, where the rest of it is not.

Beside a free slope, as a ReLU has at zero, a sum varies; what is split among the equals of a maximum adds up
to the whole all the same. So those elements whose sum no side changes are told from those that vary by
themselves, and must add up to what they do on every side.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from torch_reference.tolerance.gradient_sums import ALL, ALONG, dimension, sums
from torch_reference.tolerance.kinks.hulls import Hull

NOISE, ROUNDED = 2.0**-20, 2.0**-40
"""What is so small beside what varies is none of it: sides are evaluated in float64. And what changes by so
small a part of the largest element is no change but a rounding."""


def without_what_is_kept(
    totals: dict[str, Hull], elements: Hull, sides: Iterable[Tensor], expected: Tensor, value: Tensor
) -> dict[str, Hull]:
    """The hulls of the sums, in which those elements alone are free that vary by themselves.

    These are taken as they are in the value, of which the hulls of the elements tell.
    Shapes: value, expected, and the gradient on each side alike
    """
    varies, found = elements.upper > elements.lower, dict(totals)
    size = float(torch.maximum(elements.lower.abs(), elements.upper.abs()).amax())
    changes = (side - expected for side in sides)
    turns = [torch.where(varies & (each.abs() > ROUNDED * size), each, 0.0) for each in changes]
    own = torch.where(varies, elements.nearest(value) - expected, 0.0)
    for which, hull in totals.items():
        is_open = hull.upper - hull.lower > hull.bound
        if not bool(is_open.any()):
            continue
        free = _that_vary_by_themselves(turns, expected, which) & varies
        is_kept = is_open & _any(varies & ~free, which)
        part = _total(torch.where(free, own, 0.0), expected, which)
        signs = torch.where(expected < 0, -1.0, 1.0) if which == ALONG else 1.0
        spare = _total(torch.where(free, signs * elements.bound, 0.0), expected, which)
        found[which] = hull._replace(
            lower=torch.where(is_kept, part, hull.lower),
            upper=torch.where(is_kept, part, hull.upper),
            bound=torch.where(is_kept, hull.bound + spare, hull.bound),
        )
    return found


def _that_vary_by_themselves(turns: Sequence[Tensor], expected: Tensor, which: str) -> Tensor:
    """All elements but those that each side leaves a sum of the same, as far as that is known.

    Formula: 1 = Dc + y, where D holds what each side changes, each row of it an element, and Dᵀy = 0; where y
             is 1 throughout, elements keep their sum. Of too few sides y is 1 where nothing varies, alone.
    Shapes: the result has that of expected
    """
    is_whole = which in (ALL, ALONG)
    weights = expected / expected.abs().amax() if which == ALONG else torch.ones_like(expected)
    changes = torch.stack([turn * weights for turn in turns], -1)
    changes = changes.reshape(1, -1, len(turns)) if is_whole else changes.movedim(dimension(which), -2)
    terms = changes.reshape(-1, *changes.shape[-2:])
    ones = torch.ones_like(terms[..., :1])
    fitted = terms @ torch.linalg.lstsq(terms, ones, rcond=NOISE, driver="gelsd").solution
    kept = terms * (fitted.abs() <= NOISE)
    is_known = (kept.sum(-2).abs() <= NOISE * kept.abs().sum(-2)).all(-1)[:, None]
    free = (fitted[..., 0].abs() > NOISE) | ~is_known
    if is_whole:
        return free.reshape(expected.shape)
    return free.reshape(changes.shape[:-1]).movedim(-1, dimension(which))


def _total(values: Tensor, expected: Tensor, which: str) -> Tensor:
    return dict(sums(values, expected))[which]


def _any(values: Tensor, which: str) -> Tensor:
    return values.any() if which in (ALL, ALONG) else values.any(dimension(which))
