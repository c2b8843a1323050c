"""The output layer, and the lesson itself: the derivatives of the SSR with respect to w3, w4 and b3.

Each is a sum over the observations of the shared term times one local derivative, written in the order of
the chain rule on paper: ∂SSR/∂w3 = Σᵢ ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂w3.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.lesson import elementary
from manual_backprop.lesson.trace import Trace, once_per_trace


def forward(column: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The prediction, from the outputs of the hidden nodes.

    Formula: Predictedᵢ = w3 · y1ᵢ + w4 · y2ᵢ + b3
    Shapes:  each column (*batch, 1), each value (*batch, n)
    Source:  docs/lesson.md, section 2.1
    """
    predicted = column["w3"] * values["y1"] + column["w4"] * values["y2"] + column["b3"]
    return {"predicted": predicted}


@once_per_trace
def d_ssr_d_predicted(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to each prediction: the term that all parameters share.

    Formula: ∂SSR/∂Predictedᵢ = ∂SSR/∂Residualᵢ · ∂Residualᵢ/∂Predictedᵢ = −2 (Observedᵢ − Predictedᵢ)
    Shapes:  (*batch, n)
    Source:  docs/lesson.md, sections 3.2 and 4.1
    """
    d_residual_d_predicted = -1
    return elementary.d_ssr_d_residual(trace.residual) * d_residual_d_predicted


def d_predicted_d_w3(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of each prediction with respect to w3.

    Formula: ∂Predictedᵢ/∂w3 = y1ᵢ
    Shapes:  (*batch, n)
    Source:  docs/lesson.md, section 3.2
    """
    return trace.y1


def d_predicted_d_w4(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of each prediction with respect to w4.

    Formula: ∂Predictedᵢ/∂w4 = y2ᵢ
    Shapes:  (*batch, n)
    Source:  docs/lesson.md, section 3.2
    """
    return trace.y2


def d_predicted_d_b3(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of each prediction with respect to b3.

    Formula: ∂Predictedᵢ/∂b3 = 1
    Shapes:  (*batch, n)
    Source:  docs/lesson.md, section 3.2
    """
    return torch.ones_like(trace.predicted)


def d_ssr_d_w3(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to w3.

    Formula: Σᵢ ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂w3 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · y1ᵢ
    Shapes:  factors (*batch, n), result (*batch)
    Source:  docs/lesson.md, section 3.2
    """
    return (d_ssr_d_predicted(trace) * d_predicted_d_w3(trace)).sum(-1)


def d_ssr_d_w4(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to w4.

    Formula: Σᵢ ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂w4 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · y2ᵢ
    Shapes:  factors (*batch, n), result (*batch)
    Source:  docs/lesson.md, section 3.2
    """
    return (d_ssr_d_predicted(trace) * d_predicted_d_w4(trace)).sum(-1)


def d_ssr_d_b3(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to b3.

    Formula: Σᵢ ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂b3 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · 1
    Shapes:  factors (*batch, n), result (*batch)
    Source:  docs/lesson.md, section 3.2
    """
    # The factor 1 is left out: d_predicted_d_b3 stands above for the comparison link by link.
    return d_ssr_d_predicted(trace).sum(-1)


DERIVATIVES: Mapping[str, Callable[[Trace], Tensor]] = {
    "w3": d_ssr_d_w3,
    "w4": d_ssr_d_w4,
    "b3": d_ssr_d_b3,
}
"""Parameter -> derivative of the SSR with respect to it, shape (*batch)."""

CHAINS: Mapping[str, tuple[Callable[[Trace], Tensor], ...]] = {
    "w3": (d_ssr_d_predicted, d_predicted_d_w3),
    "w4": (d_ssr_d_predicted, d_predicted_d_w4),
    "b3": (d_ssr_d_predicted, d_predicted_d_b3),
}
"""Parameter -> the links of its chain from the SSR backwards, each of shape (*batch, n)."""
