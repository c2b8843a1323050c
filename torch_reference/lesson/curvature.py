"""How fast the gradient of the SSR changes: its Hessian, and bounds that hold along a whole segment.

The derivation of every bound is in docs/trajectory.md, section 3; nothing here is tuned.
"""

import math
from collections.abc import Mapping, Sequence
from functools import reduce

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from torch_reference.lesson.formulas import Terms, nodes, straight_terms, terms_of
from torch_reference.lesson.gradient import REFERENCE
from torch_reference.lesson.network import FORMULAS, state_dict

LARGEST_SECOND_DERIVATIVE = 1 / 4
"""Of SoftPlus, at 0; its first derivative is at most 1."""

LARGEST_THIRD_DERIVATIVE = 1 / (6 * math.sqrt(3))
"""Of SoftPlus: |σ′′| = σ (1 − σ) |1 − 2σ| is largest at σ = 1/2 ± 1/√12."""

HESSIAN_ROUNDINGS = 64
"""More than the roundings of one term of one entry, counted in docs/trajectory.md, section 4."""

HESSIAN_UNDERFLOWS = 64
"""More than the places where a term of one entry may underflow, counted there too."""

TERMS_COUNTED = 3
"""Of Predicted, by both counts: w3 · y1, w4 · y2 and b3."""

ENTRIES_AT_ONCE = 2**22
"""Numbers per intermediate of the batched Hessian: keeps a long descent on much data within memory."""

Values = Mapping[str, Tensor]


def hessians(
    points: Mapping[str, Float[Tensor, " steps"]],
    inputs: Float[Tensor, " n"],
    observed: Float[Tensor, " n"],
    wrt: Sequence[str],
) -> Float[Tensor, "steps free free"]:
    """Autograd's Hessian of the SSR in the parameters of wrt, at all points of a trajectory in one call.

    Shapes: points[name] (steps) for every name, data (n), result (steps, m, m) for m names in wrt
    """
    points = {name: value.double() for name, value in points.items()}
    x, o = inputs.double().unsqueeze(1), observed.double()

    def ssr(free: Values, point: Values) -> Tensor:
        predicted = functional_call(REFERENCE, state_dict({**point, **free}), (x,)).squeeze(1)
        return nn.functional.mse_loss(predicted, o, reduction="sum")

    free = {name: points[name] for name in wrt}
    chunk = max(1, ENTRIES_AT_ONCE // (len(wrt) ** 2 * len(x)))
    # torch.func.hessian differentiates forwards, for which SoftPlus loads torch.jit, which is deprecated.
    blocks = vmap(jacrev(jacrev(ssr)), chunk_size=chunk)(free, points)
    return torch.stack([torch.stack([blocks[a][b] for b in wrt], dim=1) for a in wrt], dim=1)


def segment_bounds(
    one_end: Mapping[str, Float[Tensor, " steps"]],
    other_end: Mapping[str, Float[Tensor, " steps"]],
    inputs: Float[Tensor, " n"],
    observed: Float[Tensor, " n"],
    wrt: Sequence[str],
) -> tuple[Float[Tensor, " steps"], Float[Tensor, " steps"], Float[Tensor, " steps"]]:
    """Bounds on the segment between two points, one segment per step: of ‖H‖, of ‖D³SSR‖, of Ĥ's rounding.

    Formula: ‖H‖ ≤ S = 2 Σᵢ (aᵢ² + Rᵢ bᵢ)    ‖D³SSR‖ ≤ M = 2 Σᵢ (3 aᵢ bᵢ + Rᵢ cᵢ)
             where aᵢ, bᵢ, cᵢ bound the first three derivatives of Predictedᵢ, and Rᵢ the residual
    Shapes:  ends[name] (steps) for every name, data (n), each result (steps)
    Errors:  ValueError for formulas that docs/trajectory.md does not cover: not of one hidden layer
    Source:  docs/trajectory.md, section 3
    """
    size = {
        name: torch.maximum(one_end[name].double().abs(), other_end[name].double().abs()).unsqueeze(1)
        for name in one_end
    }
    x, o = inputs.double(), observed.double()
    free = {name: float(name in wrt) for name in one_end}
    a_squared, b, c = x.new_zeros(()), x.new_zeros(()), x.new_zeros(())
    residual = o.abs()
    for name, factor in _factors(straight_terms(FORMULAS), x):
        a_squared, residual = a_squared + free[name] * factor**2, residual + size[name] * factor.abs()
    conditioning, largest_y, largest_out = x.new_zeros(()), x.new_zeros(()), x.new_zeros(())
    for node in nodes(FORMULAS):
        own = _factors(node.terms, x)
        # SoftPlus and w · Input + b are monotone along the segment: y is largest at one of its ends.
        y = torch.maximum(*(_softplus(own, end) for end in (one_end, other_end)))
        slope = sum((free[name] * factor**2 for name, factor in own), x.new_zeros(())).sqrt()
        out = node.out
        a_squared = a_squared + (size[out] * slope) ** 2 + free[out] * y**2
        second = LARGEST_SECOND_DERIVATIVE * slope**2
        b = torch.maximum(b, size[out] * second + free[out] * slope)
        c = torch.maximum(c, LARGEST_THIRD_DERIVATIVE * size[out] * slope**3 + 3 * free[out] * second)
        residual, largest_y = residual + size[out] * y, torch.maximum(largest_y, y)
        largest_out = torch.maximum(largest_out, size[out])
        conditioning = torch.maximum(conditioning, sum((size[n] * f.abs() for n, f in own), x.new_zeros(())))
    norm = 2 * (a_squared + residual * b).sum(1)
    third = 2 * (3 * a_squared.sqrt() * b + residual * c).sum(1)
    info = torch.finfo(torch.float64)
    # A further term of Predicted is one more sum in the residual, and at most three more underflows.
    further = len(terms_of(FORMULAS["predicted"])) - TERMS_COUNTED
    relative = (HESSIAN_ROUNDINGS + further + len(x) + 4 * conditioning.amax(1)) * info.eps / 2
    # One after another, the smallest first: that they are many does not make them overflow.
    lost = (HESSIAN_UNDERFLOWS + 6 * further) * len(wrt) * info.tiny * residual.clamp(min=1)
    for factor in (largest_out, x.abs(), largest_y):
        lost = lost * factor.clamp(min=1) * factor.clamp(min=1)
    # The count is of first order: where its square would matter there is no bound.
    rounding = torch.where(relative < 2.0**-20, relative * norm + lost.sum(1), torch.inf)
    return norm, third, rounding


def _factors(terms: Terms, x: Tensor) -> list[tuple[str, Tensor]]:
    """Each term's parameter and what it is multiplied by: the inputs, or 1."""
    return [
        (name, x if "inputs" in term else torch.ones_like(x))
        for term in terms
        for name in term
        if name != "inputs"
    ]


def _softplus(terms: list[tuple[str, Tensor]], end: Values) -> Tensor:
    node = reduce(torch.add, (end[name].double().unsqueeze(1) * factor for name, factor in terms))
    return torch.logaddexp(node, node.new_zeros(()))
