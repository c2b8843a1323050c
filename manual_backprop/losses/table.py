"""The losses: one number from predictions and targets, and its derivative with respect to each prediction.

Each is written as a sum; the mean is the same loss divided by its number of terms, and so is its derivative.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import check_float, check_like, check_shape
from manual_backprop.layers.softmax import log_softmax
from manual_backprop.lesson import elementary


class Loss(NamedTuple):
    """forward(predicted, targets) -> (loss, saved), and d_loss_d_predicted(saved)."""

    forward: Callable[[Tensor, Tensor], tuple[Tensor, Any]]
    d_loss_d_predicted: Callable[[Any], Tensor]


def averaged(loss: Loss) -> Loss:
    """The mean of a loss that is a sum; like torch's, it is NaN for no terms at all.

    Formula: Mean = Sum / n, ∂Mean/∂Predictedᵢ = ∂Sum/∂Predictedᵢ / n
    """

    def forward(predicted: Tensor, targets: Tensor) -> tuple[Tensor, Any]:
        total, saved = loss.forward(predicted, targets)
        return total / saved.terms, saved

    def d_loss_d_predicted(saved: Any) -> Tensor:
        return loss.d_loss_d_predicted(saved) / saved.terms

    return Loss(forward, d_loss_d_predicted)


class SavedResidual(NamedTuple):
    """What the derivative of the SSR reads: Observed − Predicted."""

    residual: Tensor

    @property
    def terms(self) -> int:
        """One for every residual."""
        return self.residual.numel()


def ssr(predicted: Tensor, targets: Tensor) -> tuple[Float[Tensor, ""], SavedResidual]:
    """Sum of the squared residuals over all rows and outputs.

    Formula: SSR = Σᵢ (Targetᵢ − Predictedᵢ)²
    Shapes:  predicted and targets (*shape), loss ()
    Errors:  ValueError for another shape or device, TypeError for another dtype
    Source:  the lesson, section 2.2
    """
    check_float("predicted", predicted)
    check_like("targets", targets, "predicted", predicted)
    check_shape("targets", targets, predicted.shape)
    residual = targets - predicted
    return elementary.ssr(residual.reshape(-1)), SavedResidual(residual)


def d_ssr_d_predicted(saved: SavedResidual) -> Tensor:
    """Derivative of the SSR with respect to each prediction.

    Formula: ∂SSR/∂Residualᵢ · ∂Residualᵢ/∂Predictedᵢ = 2 Residualᵢ · (−1)
    Shapes:  (*shape)
    Source:  the lesson, section 3.2
    """
    d_residual_d_predicted = -1
    return elementary.d_ssr_d_residual(saved.residual) * d_residual_d_predicted


def check_classes(predicted: Tensor, targets: Tensor) -> None:
    """Raise ValueError or TypeError unless predicted are logits, and targets a class for each row of them."""
    check_float("predicted", predicted)
    if predicted.ndim not in (1, 2) or predicted.shape[-1] == 0:
        raise ValueError(f"predicted must have shape (n, k) or (k), found {tuple(predicted.shape)}")
    if targets.dtype != torch.int64:
        raise TypeError(f"targets must be classes of torch.int64, found {targets.dtype}")
    check_shape("targets", targets, predicted.shape[:-1])
    if targets.numel():
        smallest, largest = (extreme.item() for extreme in targets.aminmax())
        if smallest < 0 or largest >= predicted.shape[-1]:
            found = smallest if smallest < 0 else largest
            raise ValueError(f"classes must be from 0 to {predicted.shape[-1] - 1}, found {found}")


class SavedLogShares(NamedTuple):
    """What the derivative of the cross-entropy reads: log softmax (*lead, k) and the classes (*lead)."""

    log_shares: Tensor
    classes: Tensor

    @property
    def terms(self) -> int:
        """One for every row."""
        return self.classes.numel()


def cross_entropy(predicted: Tensor, targets: Tensor) -> tuple[Float[Tensor, ""], SavedLogShares]:
    """Softmax and cross-entropy in one: minus the logarithm of the share of each row's class.

    Formula: Loss = Σᵢ −log Share(i, Classᵢ), log Share = log softmax(Predictedᵢ)
    Shapes:  predicted, the logits (n, k) or (k); targets, the classes of int64 (n) or (); loss ()
    Errors:  ValueError for a shape that does not fit or a class outside 0 to k − 1 (torch's ignore_index
             of −100 included), TypeError for a dtype
    Source:  torch.nn.CrossEntropyLoss's documentation
    """
    check_classes(predicted, targets)
    log_shares = log_softmax(predicted)
    of_the_class = log_shares.gather(-1, targets.unsqueeze(-1))
    return -of_the_class.sum(), SavedLogShares(log_shares, targets)


def d_cross_entropy_d_predicted(saved: SavedLogShares) -> Float[Tensor, "*lead k"]:
    """Derivative of the cross-entropy with respect to each logit: what softmax says minus what is true.

    Formula: ∂Loss/∂Predictedᵢₖ = Shareᵢₖ − [k = Classᵢ]
    Shapes:  (*lead, k)
    Source:  ∂ log Share(i, c)/∂Predictedᵢₖ = [k = c] − Shareᵢₖ; fused, nothing is divided by a small share
    """
    shares = saved.log_shares.exp()
    one_hot = torch.zeros_like(shares).scatter(-1, saved.classes.unsqueeze(-1), 1)
    return shares - one_hot


class SavedLogits(NamedTuple):
    """What the derivative of the binary cross-entropy reads, both (*shape)."""

    logits: Tensor
    targets: Tensor

    @property
    def terms(self) -> int:
        """One for every logit."""
        return self.logits.numel()


def binary_cross_entropy(predicted: Tensor, targets: Tensor) -> tuple[Float[Tensor, ""], SavedLogits]:
    """Sigmoid and binary cross-entropy in one, for targets between 0 and 1.

    Formula: Loss = Σᵢ −Targetᵢ · log σ(xᵢ) − (1 − Targetᵢ) · log(1 − σ(xᵢ))
                  = Σᵢ Targetᵢ · SoftPlus(−xᵢ) + (1 − Targetᵢ) · SoftPlus(xᵢ)
    Shapes:  predicted, the logits x, and targets (*shape), loss ()
    Errors:  ValueError for another shape or device, TypeError for another dtype
    Source:  torch.nn.BCEWithLogitsLoss's documentation; −log σ(x) = SoftPlus(−x)
    """
    check_float("predicted", predicted)
    check_like("targets", targets, "predicted", predicted)
    check_shape("targets", targets, predicted.shape)
    if_true = elementary.softplus(-predicted)
    if_false = elementary.softplus(predicted)
    return (targets * if_true + (1 - targets) * if_false).sum(), SavedLogits(predicted, targets)


def d_binary_cross_entropy_d_predicted(saved: SavedLogits) -> Tensor:
    """Derivative of the binary cross-entropy with respect to each logit.

    Formula: Targetᵢ · (−σ(−xᵢ)) + (1 − Targetᵢ) · σ(xᵢ) = σ(xᵢ) − Targetᵢ
    Shapes:  (*shape)
    Source:  the derivative of SoftPlus is the sigmoid, and σ(x) + σ(−x) = 1
    """
    return torch.sigmoid(saved.logits) - saved.targets


SSR = Loss(ssr, d_ssr_d_predicted)
CROSS_ENTROPY = Loss(cross_entropy, d_cross_entropy_d_predicted)
BINARY_CROSS_ENTROPY = Loss(binary_cross_entropy, d_binary_cross_entropy_d_predicted)

LOSSES: Mapping[str, Loss] = {
    "ssr": SSR,
    "mean_squared_error": averaged(SSR),
    "cross_entropy_sum": CROSS_ENTROPY,
    "cross_entropy_mean": averaged(CROSS_ENTROPY),
    "binary_cross_entropy_sum": BINARY_CROSS_ENTROPY,
    "binary_cross_entropy_mean": averaged(BINARY_CROSS_ENTROPY),
}
"""Name -> loss, as the perceptron takes it."""
