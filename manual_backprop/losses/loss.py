"""What a loss is: a sum and its derivative; the mean is the sum over its number of terms."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor


class Loss(NamedTuple):
    """forward(predicted, targets) -> (loss, saved), and d_loss_d_predicted(saved)."""

    forward: Callable[[Tensor, Tensor], tuple[Tensor, Any]]
    d_loss_d_predicted: Callable[[Any], Tensor]


def averaged(loss: Loss) -> Loss:
    """The mean of a loss that is a sum; like torch's, it is NaN for no terms at all.

    Formula: Mean = Sum / n, ∂Mean/∂Predictedᵢ = ∂Sum/∂Predictedᵢ / n

    >>> import torch
    >>> from manual_backprop.losses import LOSSES
    >>> predicted, observed = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])
    >>> averaged(LOSSES["ssr"]).forward(predicted, observed)[0].item()  # (1 + 4) / 2
    2.5
    """

    def forward(predicted: Tensor, targets: Tensor) -> tuple[Tensor, Any]:
        total, saved = loss.forward(predicted, targets)
        return total / saved.terms, saved

    def d_loss_d_predicted(saved: Any) -> Tensor:
        return loss.d_loss_d_predicted(saved) / saved.terms

    return Loss(forward, d_loss_d_predicted)
