"""The first extension: the same chain two links longer, down to the hidden layer's w1, b1, w2 and b2.

For w1 the chain is ∂SSR/∂w1 = Σᵢ ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂y1ᵢ · ∂y1ᵢ/∂x1ᵢ · ∂x1ᵢ/∂w1. Its first three
links are the same for b1, so d_ssr_d_x1 is computed once and read by both.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.lesson import elementary
from manual_backprop.lesson.network import Trace, once_per_trace
from manual_backprop.lesson.output_layer import d_ssr_d_predicted


def d_predicted_d_y1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of each prediction with respect to the top node's output.

    Formula: ∂Predictedᵢ/∂y1ᵢ = w3
    Shapes:  (*batch, n)
    Source:  figures.md of the lesson, the chain of w1
    """
    return trace.column("w3").expand_as(trace.y1)


def d_predicted_d_y2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of each prediction with respect to the bottom node's output.

    Formula: ∂Predictedᵢ/∂y2ᵢ = w4
    Shapes:  (*batch, n)
    Source:  figures.md of the lesson, the chain of w2
    """
    return trace.column("w4").expand_as(trace.y2)


@once_per_trace
def d_ssr_d_y1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to the top node's output.

    Formula: ∂SSR/∂y1ᵢ = ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂y1ᵢ
    Shapes:  (*batch, n)
    Source:  the chain rule
    """
    return d_ssr_d_predicted(trace) * d_predicted_d_y1(trace)


@once_per_trace
def d_ssr_d_y2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to the bottom node's output.

    Formula: ∂SSR/∂y2ᵢ = ∂SSR/∂Predictedᵢ · ∂Predictedᵢ/∂y2ᵢ
    Shapes:  (*batch, n)
    Source:  the chain rule
    """
    return d_ssr_d_predicted(trace) * d_predicted_d_y2(trace)


@once_per_trace
def d_y1_d_x1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the top node's output with respect to its input.

    Formula: ∂y1ᵢ/∂x1ᵢ = sigmoid(x1ᵢ)
    Shapes:  (*batch, n)
    Source:  the derivative of SoftPlus
    """
    return elementary.d_softplus_d_x(trace.x1)


@once_per_trace
def d_y2_d_x2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the bottom node's output with respect to its input.

    Formula: ∂y2ᵢ/∂x2ᵢ = sigmoid(x2ᵢ)
    Shapes:  (*batch, n)
    Source:  the derivative of SoftPlus
    """
    return elementary.d_softplus_d_x(trace.x2)


@once_per_trace
def d_ssr_d_x1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to the top node's input, shared by w1 and b1.

    Formula: ∂SSR/∂x1ᵢ = ∂SSR/∂y1ᵢ · ∂y1ᵢ/∂x1ᵢ
    Shapes:  (*batch, n)
    Source:  the chain rule
    """
    return d_ssr_d_y1(trace) * d_y1_d_x1(trace)


@once_per_trace
def d_ssr_d_x2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to the bottom node's input, shared by w2 and b2.

    Formula: ∂SSR/∂x2ᵢ = ∂SSR/∂y2ᵢ · ∂y2ᵢ/∂x2ᵢ
    Shapes:  (*batch, n)
    Source:  the chain rule
    """
    return d_ssr_d_y2(trace) * d_y2_d_x2(trace)


def d_x1_d_w1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the top node's input with respect to w1.

    Formula: ∂x1ᵢ/∂w1 = Inputᵢ
    Shapes:  (*batch, n)
    Source:  figures.md of the lesson, the chain of w1
    """
    return trace.inputs.expand_as(trace.x1)


def d_x1_d_b1(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the top node's input with respect to b1.

    Formula: ∂x1ᵢ/∂b1 = 1
    Shapes:  (*batch, n)
    Source:  figures.md of the lesson, the chain of b1
    """
    return torch.ones_like(trace.x1)


def d_x2_d_w2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the bottom node's input with respect to w2.

    Formula: ∂x2ᵢ/∂w2 = Inputᵢ
    Shapes:  (*batch, n)
    Source:  figures.md of the lesson, the chain of w2
    """
    return trace.inputs.expand_as(trace.x2)


def d_x2_d_b2(trace: Trace) -> Float[Tensor, "*batch n"]:
    """Derivative of the bottom node's input with respect to b2.

    Formula: ∂x2ᵢ/∂b2 = 1
    Shapes:  (*batch, n)
    Source:  figures.md of the lesson, the chain of b2
    """
    return torch.ones_like(trace.x2)


def d_ssr_d_w1(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to w1.

    Formula: Σᵢ ∂SSR/∂x1ᵢ · ∂x1ᵢ/∂w1 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · w3 · sigmoid(x1ᵢ) · Inputᵢ
    Shapes:  factors (*batch, n), result (*batch)
    Source:  figures.md of the lesson
    """
    return (d_ssr_d_x1(trace) * d_x1_d_w1(trace)).sum(-1)


def d_ssr_d_b1(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to b1.

    Formula: Σᵢ ∂SSR/∂x1ᵢ · ∂x1ᵢ/∂b1 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · w3 · sigmoid(x1ᵢ) · 1
    Shapes:  factors (*batch, n), result (*batch)
    Source:  figures.md of the lesson
    """
    return d_ssr_d_x1(trace).sum(-1)


def d_ssr_d_w2(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to w2.

    Formula: Σᵢ ∂SSR/∂x2ᵢ · ∂x2ᵢ/∂w2 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · w4 · sigmoid(x2ᵢ) · Inputᵢ
    Shapes:  factors (*batch, n), result (*batch)
    Source:  figures.md of the lesson
    """
    return (d_ssr_d_x2(trace) * d_x2_d_w2(trace)).sum(-1)


def d_ssr_d_b2(trace: Trace) -> Float[Tensor, "*batch"]:
    """Derivative of the SSR with respect to b2.

    Formula: Σᵢ ∂SSR/∂x2ᵢ · ∂x2ᵢ/∂b2 = Σᵢ −2 (Observedᵢ − Predictedᵢ) · w4 · sigmoid(x2ᵢ) · 1
    Shapes:  factors (*batch, n), result (*batch)
    Source:  figures.md of the lesson
    """
    return d_ssr_d_x2(trace).sum(-1)
