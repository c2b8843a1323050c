"""Losses: one number from predictions and targets, and its derivative with respect to each prediction.

loss says what one is; squared_residuals, softmax_cross_entropy and sigmoid_cross_entropy hold one each, as a
sum; table names them, and their means.
"""

from manual_backprop.losses.loss import Loss, averaged
from manual_backprop.losses.table import LOSSES

__all__ = ["LOSSES", "Loss", "averaged"]
