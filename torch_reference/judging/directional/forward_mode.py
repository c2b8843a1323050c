"""A directional derivative by forward mode: torch's rules for tangents, none of those for upstream gradients.

Formula: f(x + ε v) = f(x) + ε f'(x) v with ε² = 0, carried along by every operation
Source:  Wengert, A simple automatic derivative evaluation program, 1964
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import forward_ad

from torch_reference.judging.calls.quiet import unwarned
from torch_reference.judging.directional.complex_step import SAMPLES, with_spread


def by_forward_mode(value: Callable[[Tensor, int], Tensor], towards: Tensor) -> tuple[float, float] | None:
    """(the derivative, what it may be off by); None where an operation has no rule for it.

    value(shift, seed) is the function of a shift along the direction; with another seed than 0 every number
    of the point is moved by a rounding of float64, so that what cancels shows how far it is off.

    >>> by_forward_mode(lambda shift, seed: (2.0 + shift).square().sum(), torch.ones(1).double())[0]
    4.0
    """
    try:
        with torch.no_grad(), unwarned():
            return with_spread([_tangent(value, towards, seed) for seed in range(SAMPLES)])
    except Exception:  # the function is the user's, and may have a rule of its own, or none
        return None


def _tangent(value: Callable[[Tensor, int], Tensor], towards: Tensor, seed: int) -> float:
    with forward_ad.dual_level():
        shift = forward_ad.make_dual(torch.zeros_like(towards), towards)  # type: ignore[no-untyped-call]
        tangent = forward_ad.unpack_dual(value(shift, seed)).tangent  # type: ignore[no-untyped-call]
        return 0.0 if tangent is None else float(tangent)
