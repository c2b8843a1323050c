"""The curvature of the SSR: its Hessian in any of the lesson's parameters, by hand and exactly.

Where only w3, w4 and b3 move, the prediction is linear in them: the second term below is zero, the Hessian is
2 · Jᵀ J at every point, and gradient descent's whole course follows from it (convergence.py).
"""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_names
from manual_backprop.lesson.elementary import d_sigmoid_d_x, d_softplus_d_x
from manual_backprop.lesson.gradient import CHAINS, LESSON_WRT
from manual_backprop.lesson.network import NODES, PARAMETERS
from manual_backprop.lesson.trace import Trace


def jacobian(trace: Trace, wrt: Sequence[str] = LESSON_WRT) -> Float[Tensor, "*batch n m"]:
    """Derivative of each prediction with respect to each named parameter.

    Formula: Jᵢₐ = ∂Predictedᵢ/∂a, the links of a's chain that lie between the prediction and a; in the order
             w3, w4, b3 a row is [y1ᵢ, y2ᵢ, 1]
    Shapes:  n observations, m names: (*batch, n, m)
    Errors:  ValueError for an unknown name in wrt, with the known ones
    Source:  the chain rule
    """
    check_names(wrt, PARAMETERS)
    return torch.stack([_d_predicted_d(name, trace) for name in wrt], dim=-1)


def _d_predicted_d(name: str, trace: Trace) -> Float[Tensor, "*batch n"]:
    local = [link for link in CHAINS[name] if not link.__name__.startswith("d_ssr_d_")]
    return math.prod((link(trace) for link in local[1:]), start=local[0](trace))


def hessian(trace: Trace, wrt: Sequence[str] = LESSON_WRT) -> Float[Tensor, "*batch m m"]:
    """Second derivatives of the SSR with respect to each pair of named parameters.

    Formula: ∂²SSR/∂a∂b = Σᵢ 2 · ∂Predictedᵢ/∂a · ∂Predictedᵢ/∂b − 2 Residualᵢ · ∂²Predictedᵢ/∂a∂b
             so that H = 2 · Jᵀ J in w3, w4 and b3, whose second derivatives are all 0
    Shapes:  m names: (*batch, m, m), symmetric
    Errors:  those of jacobian
    Source:  the product rule on −2 (Observedᵢ − Predictedᵢ) · ∂Predictedᵢ/∂a
    """
    first = jacobian(trace, wrt)
    result = 2 * first.mT @ first
    second = _second_derivatives(trace)
    for row, a in enumerate(wrt):
        for column, b in enumerate(wrt):
            if (a, b) in second:
                result[..., row, column] -= 2 * (trace.residual * second[a, b]).sum(-1)
    return result


def _second_derivatives(trace: Trace) -> Mapping[tuple[str, str], Float[Tensor, "*batch n"]]:
    """∂²Predictedᵢ/∂a∂b for the pairs for which it is not zero, in both orders.

    Formula: ∂²Predictedᵢ/∂w3∂a = σ(x1ᵢ) · ∂x1ᵢ/∂a,  ∂²Predictedᵢ/∂a∂b = w3 · σ′(x1ᵢ) · ∂x1ᵢ/∂a · ∂x1ᵢ/∂b
             for a, b among w1 and b1, where ∂x1ᵢ/∂w1 = Inputᵢ and ∂x1ᵢ/∂b1 = 1; every other node alike
    """
    found: dict[tuple[str, str], Tensor] = {}
    for node in NODES:
        name, weight, bias, out = node.NAMES
        x = getattr(trace, name)
        slope, bend = d_softplus_d_x(x), d_sigmoid_d_x(x)
        d_x_d = {weight: trace.inputs, bias: torch.ones_like(x)}
        for a in d_x_d:
            found[out, a] = found[a, out] = slope * d_x_d[a]
            for b in d_x_d:
                found[a, b] = trace.column(out) * bend * d_x_d[a] * d_x_d[b]
    return found
