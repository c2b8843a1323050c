"""The bottom hidden node, and the chain of its w2 and b2: that of w4, two links longer.

∂SSR/∂w2 = Σᵢ ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂y2ᵢ · ∂y2ᵢ/∂x2ᵢ · ∂x2ᵢ/∂w2. The first three links are the same
for b2, so d_ssr_d_x2 is computed once and read by both.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.lesson import elementary
from manual_backprop.lesson.output_layer import d_ssr_d_predicted
from manual_backprop.lesson.trace import Trace, once_per_trace

NAMES = ("x2", "w2", "b2", "w4")
"""Its input, what that is made of, and the weight with which its output goes into Predicted."""


def forward(column: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The node's input and output.

    Formula: x2ᵢ = w2 · Inputᵢ + b2,  y2ᵢ = SoftPlus(x2ᵢ)
    Shapes:  each column (*batch, 1), each value (*batch, n)
    Source:  docs/lesson.md, section 2.1
    """
    x2 = column["w2"] * values["inputs"] + column["b2"]
    return {"x2": x2, "y2": elementary.softplus(x2)}


def d_predicted_d_y2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of each prediction with respect to the bottom node's output.

    Formula: ∂Predictedᵢ/∂y2ᵢ = w4
    """
    return trace.column("w4").expand_as(trace.y2)


@once_per_trace
def d_ssr_d_y2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to the bottom node's output.

    Formula: ∂SSR/∂y2ᵢ = ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂y2ᵢ
    """
    return d_ssr_d_predicted(trace) * d_predicted_d_y2(trace)


@once_per_trace
def d_y2_d_x2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the bottom node's output with respect to its input.

    Formula: ∂y2ᵢ/∂x2ᵢ = sigmoid(x2ᵢ), the derivative of SoftPlus
    """
    return elementary.d_softplus_d_x(trace.x2)


@once_per_trace
def d_ssr_d_x2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to the bottom node's input, shared by w2 and b2.

    Formula: ∂SSR/∂x2ᵢ = ∂SSR/∂y2ᵢ · ∂y2ᵢ/∂x2ᵢ
    """
    return d_ssr_d_y2(trace) * d_y2_d_x2(trace)


def d_x2_d_w2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the bottom node's input with respect to w2.

    Formula: ∂x2ᵢ/∂w2 = Inputᵢ
    """
    return trace.inputs.expand_as(trace.x2)


def d_x2_d_b2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the bottom node's input with respect to b2.

    Formula: ∂x2ᵢ/∂b2 = 1
    """
    return torch.ones_like(trace.x2)


def d_ssr_d_w2(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to w2.

    Formula: Σᵢ ∂SSR/∂x2ᵢ · ∂x2ᵢ/∂w2 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · w4 · sigmoid(x2ᵢ) · Inputᵢ
    """
    return (d_ssr_d_x2(trace) * d_x2_d_w2(trace)).sum(-1)


def d_ssr_d_b2(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to b2.

    Formula: Σᵢ ∂SSR/∂x2ᵢ · ∂x2ᵢ/∂b2 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · w4 · sigmoid(x2ᵢ) · 1
    """
    return d_ssr_d_x2(trace).sum(-1)


DERIVATIVES: Mapping[str, Callable[[Trace], Tensor]] = {"w2": d_ssr_d_w2, "b2": d_ssr_d_b2}
"""Parameter -> derivative of the SSR with respect to it, shape (*batch)."""

_TO_X2 = (d_ssr_d_predicted, d_predicted_d_y2, d_ssr_d_y2, d_y2_d_x2, d_ssr_d_x2)

CHAINS: Mapping[str, tuple[Callable[[Trace], Tensor], ...]] = {
    "w2": (*_TO_X2, d_x2_d_w2),
    "b2": (*_TO_X2, d_x2_d_b2),
}
"""Parameter -> the links of its chain from the SSR backwards, each of shape (*batch, n)."""
