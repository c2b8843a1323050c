"""The table of all losses: to add one, write it in a file of its own and name it here.

The tests run over this table against torch.nn, so that a new entry is tested once the reference has it too.
"""

from collections.abc import Mapping

from manual_backprop.losses.loss import Loss, averaged
from manual_backprop.losses.sigmoid_cross_entropy import BINARY_CROSS_ENTROPY
from manual_backprop.losses.softmax_cross_entropy import CROSS_ENTROPY
from manual_backprop.losses.squared_residuals import SSR

LOSSES: Mapping[str, Loss] = {
    "ssr": SSR,
    "mean_squared_error": averaged(SSR),
    "cross_entropy_sum": CROSS_ENTROPY,
    "cross_entropy_mean": averaged(CROSS_ENTROPY),
    "binary_cross_entropy_sum": BINARY_CROSS_ENTROPY,
    "binary_cross_entropy_mean": averaged(BINARY_CROSS_ENTROPY),
}
"""Name -> loss, as the perceptron takes it."""
