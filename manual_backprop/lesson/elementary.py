"""The functions that the network is built from, each beside its local derivative."""

import torch
from jaxtyping import Float
from torch import Tensor


def softplus(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """SoftPlus, the activation of both hidden nodes.

    Formula: SoftPlus(x) = log(1 + exp(x)) = max(x, 0) + log(1 + exp(−|x|))
    Shapes:  any; the result has the shape of x
    Source:  docs/lesson.md, section 2.1
    """
    # The textbook's log(1 + exp(x)) overflows at x = 89 (float32) and x = 710 (float64); logaddexp does not.
    return torch.logaddexp(x, x.new_zeros(()))


def d_softplus_d_x(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of SoftPlus with respect to its input: the logistic sigmoid.

    Formula: exp(x) / (1 + exp(x)) = 1 / (1 + exp(−x))
    Shapes:  any; the result has the shape of x
    Source:  the chain rule on log(1 + exp(x))
    """
    # The first form is NaN where exp(x) overflows; torch.sigmoid is the second, which is right everywhere.
    return torch.sigmoid(x)


def d_sigmoid_d_x(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of the logistic sigmoid, and so the second derivative of SoftPlus.

    Formula: σ(x) · (1 − σ(x)), where 1 − σ(x) = σ(−x)
    """
    # Written as 1 − σ(x), the right factor would be exactly 0 from x = 38 on (float32: 18).
    return torch.sigmoid(x) * torch.sigmoid(-x)


def ssr(residual: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    """Sum of the squared residuals: a sum, without 1/2 and without 1/n.

    Formula: SSR = Σᵢ Residualᵢ²
    Shapes:  residual (*batch, n), result (*batch)
    Units:   the square of the observations' unit
    Source:  docs/lesson.md, section 2.2
    """
    return (residual * residual).sum(-1)


def d_ssr_d_residual(residual: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
    """Derivative of the SSR with respect to each residual.

    Formula: ∂SSR/∂Residualᵢ = 2 Residualᵢ
    Shapes:  (*batch, n)
    Source:  the power rule; the terms of the sum do not depend on each other's residual
    """
    return 2 * residual
