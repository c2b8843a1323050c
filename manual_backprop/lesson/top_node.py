"""The top hidden node, and the chain of its w1 and b1: that of w3, two links longer.

∂SSR/∂w1 = Σᵢ ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂y1ᵢ · ∂y1ᵢ/∂x1ᵢ · ∂x1ᵢ/∂w1. The first three links are the same
for b1, so d_ssr_d_x1 is computed once and read by both.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.lesson import elementary
from manual_backprop.lesson.output_layer import d_ssr_d_predicted
from manual_backprop.lesson.trace import Trace, once_per_trace

NAMES = ("x1", "w1", "b1", "w3")
"""Its input, what that is made of, and the weight with which its output goes into Predicted."""


def forward(column: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The node's input and output.

    Formula: x1ᵢ = w1 · Inputᵢ + b1,  y1ᵢ = SoftPlus(x1ᵢ)
    Shapes:  each column (*batch, 1), each value (*batch, n)
    Source:  docs/lesson.md, section 2.1
    """
    x1 = column["w1"] * values["inputs"] + column["b1"]
    return {"x1": x1, "y1": elementary.softplus(x1)}


def d_predicted_d_y1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of each prediction with respect to the top node's output.

    Formula: ∂Predictedᵢ/∂y1ᵢ = w3
    """
    return trace.column("w3").expand_as(trace.y1)


@once_per_trace
def d_ssr_d_y1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to the top node's output.

    Formula: ∂SSR/∂y1ᵢ = ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂y1ᵢ
    """
    return d_ssr_d_predicted(trace) * d_predicted_d_y1(trace)


@once_per_trace
def d_y1_d_x1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the top node's output with respect to its input.

    Formula: ∂y1ᵢ/∂x1ᵢ = sigmoid(x1ᵢ), the derivative of SoftPlus
    """
    return elementary.d_softplus_d_x(trace.x1)


@once_per_trace
def d_ssr_d_x1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to the top node's input, shared by w1 and b1.

    Formula: ∂SSR/∂x1ᵢ = ∂SSR/∂y1ᵢ · ∂y1ᵢ/∂x1ᵢ
    """
    return d_ssr_d_y1(trace) * d_y1_d_x1(trace)


def d_x1_d_w1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the top node's input with respect to w1.

    Formula: ∂x1ᵢ/∂w1 = Inputᵢ
    """
    return trace.inputs.expand_as(trace.x1)


def d_x1_d_b1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the top node's input with respect to b1.

    Formula: ∂x1ᵢ/∂b1 = 1
    """
    return torch.ones_like(trace.x1)


def d_ssr_d_w1(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to w1.

    Formula: Σᵢ ∂SSR/∂x1ᵢ · ∂x1ᵢ/∂w1 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · w3 · sigmoid(x1ᵢ) · Inputᵢ
    """
    return (d_ssr_d_x1(trace) * d_x1_d_w1(trace)).sum(-1)


def d_ssr_d_b1(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to b1.

    Formula: Σᵢ ∂SSR/∂x1ᵢ · ∂x1ᵢ/∂b1 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · w3 · sigmoid(x1ᵢ) · 1
    """
    return d_ssr_d_x1(trace).sum(-1)


DERIVATIVES: Mapping[str, Callable[[Trace], Tensor]] = {"w1": d_ssr_d_w1, "b1": d_ssr_d_b1}
"""Parameter -> derivative of the SSR with respect to it, shape (*batch)."""

_TO_X1 = (d_ssr_d_predicted, d_predicted_d_y1, d_ssr_d_y1, d_y1_d_x1, d_ssr_d_x1)

CHAINS: Mapping[str, tuple[Callable[[Trace], Tensor], ...]] = {
    "w1": (*_TO_X1, d_x1_d_w1),
    "b1": (*_TO_X1, d_x1_d_b1),
}
"""Parameter -> the links of its chain from the SSR backwards, each of shape (*batch, n)."""
