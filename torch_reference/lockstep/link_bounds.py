"""How far two right evaluations of one link may differ by rounding, when both start from the same numbers.

A link is one module's forward pass, one module's backward pass, the loss, or the optimiser's update. Both
witnesses are given the same input and the same upstream gradient, so that nothing is carried from link to
link, and one a-priori bound is enough. With u = eps / 2 and γₙ = n u / (1 − n u), a sum of n products, in
whatever order and with or without fused operations, is within γₙ · Σ|products| (Higham 2002, section 3.1):

    linear        output     γₖ₊₁ (|Input| |Weight|ᵀ + |Bias|), k inputs
                  input      γₘ |Upstream| |Weight|, m outputs
                  weight     γₙ |Upstream|ᵀ |Input|, n rows
                  bias       γₙ Σ |Upstream|

Everything else is at most OPERATIONS operations in a row on numbers of a known size, so that it is within
γ of that size; with a sum along a row of k (softmax, cross-entropy) γ has k more operations:

    activation    output     1 + |Input| + |Output|
                  input      (1 + |Input|) · (|Upstream| + |result|): 1 − y² has a term of 1, SiLU's
                             derivative one of Input; softmax mixes a row: Σ |Upstream| in place of |Upstream|
    loss          slope      weight · (1 + largest |Predicted| of the row + |Target|), weight 1, or 1 / terms
                             of a mean
                  value      |Loss| + Σ slope's size
    update                   |before| + |after|

Two witnesses round: twice that. Shaken runs (sensitivity.py) give tighter bounds in the tails, at ten times
the cost of a step, and miss with a small probability; a training of 1000 steps compares ten million numbers.
"""

import torch
from torch import Tensor

OPERATIONS = 16
"""The most operations in a row of an activation, a loss or an update, forward or backward: GELU has 15."""


def gamma(operations: int, like: Tensor) -> float:
    """Twice γₙ of the tensor's precision."""
    unit = torch.finfo(like.dtype).eps / 2
    return 2 * operations * unit / (1 - operations * unit)


def _within(size: Tensor, operations: int) -> Tensor:
    # Some kernels flush what is below the smallest normal number to zero, at each operation.
    return gamma(operations, size) * size + 2 * operations * torch.finfo(size.dtype).tiny


def linear_bounds(inputs: Tensor, weight: Tensor, bias: Tensor, upstream: Tensor) -> dict[str, Tensor]:
    """Bounds of a linear layer's output and of its three derivatives.

    Shapes: inputs (n, k), weight (m, k), bias (m), upstream (n, m); output (n, m), the others as their names
    """
    x, w, b, d = inputs.abs(), weight.abs(), bias.abs(), upstream.abs()
    (rows, k), m = x.shape, w.shape[0]
    return {
        "output": _within(x @ w.mT + b, k + 1),
        "input": _within(d @ w, m),
        "weight": _within(d.mT @ x, rows),
        "bias": _within(d.sum(0), rows),
    }


def activation_bounds(
    inputs: Tensor, output: Tensor, upstream: Tensor, slope: Tensor, mixes_rows: bool
) -> dict[str, Tensor]:
    """Bounds of an activation's output and of the derivative with respect to its input, all (n, k)."""
    operations = OPERATIONS + (inputs.shape[1] if mixes_rows else 0)
    above = upstream.abs().sum(1, keepdim=True) if mixes_rows else upstream.abs()
    size = 1 + inputs.abs()
    return {
        "output": _within(size + output.abs(), operations),
        "input": _within(size * (above + slope.abs()), operations),
    }


def loss_bounds(predicted: Tensor, targets: Tensor, loss: Tensor, is_mean: bool) -> dict[str, Tensor]:
    """Bounds of the loss and of its derivative with respect to the predictions.

    Shapes: predicted (n, k), targets (n) for classes, else (n, k); loss (), predicted (n, k)
    """
    weight = 1 / targets.numel() if is_mean else 1.0
    size = 1 + predicted.abs().amax(1, keepdim=True).expand(predicted.shape)
    if targets.is_floating_point():
        size = size + targets.abs()
    value = loss.abs() + weight * size.sum()
    return {
        "predicted": _within(weight * size, OPERATIONS + predicted.shape[1]),
        "loss": _within(value, OPERATIONS + predicted.numel()),
    }


def update_bounds(before: Tensor, after: Tensor) -> Tensor:
    """Bound of one step of an optimiser, from one parameter, gradient and memory."""
    return _within(before.abs() + after.abs(), OPERATIONS)
