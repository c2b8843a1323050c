"""Softmax and cross-entropy in one, for classes."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import check_float, check_shape
from manual_backprop.layers.softmax import log_softmax
from manual_backprop.losses.loss import Loss


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


CROSS_ENTROPY = Loss(cross_entropy, d_cross_entropy_d_predicted)
