"""Testing the tests: every planted mistake in a loss is refused by the comparison with torch."""

from typing import Any

import pytest
import torch
from torch import Tensor

from layers_compared import loss_disagreements
from manual_backprop.layers.softmax import softmax
from manual_backprop.lesson.elementary import d_sigmoid_d_x
from manual_backprop.losses import LOSSES, Loss
from manual_backprop.losses.sigmoid_cross_entropy import binary_cross_entropy
from manual_backprop.losses.softmax_cross_entropy import (
    SavedLogShares,
    cross_entropy,
    d_cross_entropy_d_predicted,
)
from manual_backprop.losses.squared_residuals import ssr
from strategies_layers import make_loss_case


def softmax_minus_nothing(saved: SavedLogShares) -> Tensor:
    return saved.log_shares.exp()


def only_the_class(saved: SavedLogShares) -> Tensor:
    full = d_cross_entropy_d_predicted(saved)
    return torch.where(full < 0, full, torch.zeros_like(full))


def naive_cross_entropy(predicted: Tensor, targets: Tensor) -> tuple[Tensor, Any]:
    log_shares = softmax(predicted).log()
    return -log_shares.gather(-1, targets.unsqueeze(-1)).sum(), SavedLogShares(log_shares, targets)


LOSS_MISTAKES: dict[str, tuple[str, Loss]] = {
    "ssr: a sign": ("ssr", Loss(ssr, lambda s: 2 * s.residual)),
    "ssr: a half": ("ssr", Loss(ssr, lambda s: -s.residual)),
    "mean squared error: a sum": ("mean_squared_error", LOSSES["ssr"]),
    "cross-entropy: a mean for a sum": ("cross_entropy_sum", LOSSES["cross_entropy_mean"]),
    "cross-entropy: one-hot missing": (
        "cross_entropy_sum",
        Loss(cross_entropy, softmax_minus_nothing),
    ),
    "cross-entropy: coupling missing": ("cross_entropy_mean", Loss(cross_entropy, only_the_class)),
    "cross-entropy: log of an underflown share": (
        "cross_entropy_sum",
        LOSSES["cross_entropy_sum"]._replace(forward=naive_cross_entropy),
    ),
    "binary cross-entropy: σ′ too much": (
        "binary_cross_entropy_sum",
        Loss(
            binary_cross_entropy,
            lambda s: (torch.sigmoid(s.logits) - s.targets) * d_sigmoid_d_x(s.logits),
        ),
    ),
}


@pytest.mark.parametrize(("name", "wrong"), LOSS_MISTAKES.values(), ids=LOSS_MISTAKES)
def test_a_planted_mistake_in_a_loss_is_refused(name: str, wrong: Loss) -> None:
    """On saturated logits, where a formula that overflows or underflows shows too.

    In float32, where the bounds are widest: what is refused there is refused in float64 all the more.
    """
    case = make_loss_case(name, (7, 5), "saturated", torch.float32, seed=11)
    assert loss_disagreements(LOSSES[name], case) == []
    assert loss_disagreements(wrong, case) != []
