"""Sigmoid and binary cross-entropy in one, for numbers from 0 to 1."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import check_float, check_like, check_shape
from manual_backprop.lesson import elementary
from manual_backprop.losses.loss import Loss


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


BINARY_CROSS_ENTROPY = Loss(binary_cross_entropy, d_binary_cross_entropy_d_predicted)
