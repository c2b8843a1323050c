"""The sum of the squared residuals, and its mean: the lesson's loss, over any number of rows and outputs."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from manual_backprop.layers.layer import check_float, check_like, check_shape
from manual_backprop.lesson import elementary
from manual_backprop.losses.loss import Loss


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
    Source:  docs/lesson.md, section 2.2
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
    Source:  docs/lesson.md, section 3.2
    """
    d_residual_d_predicted = -1
    return elementary.d_ssr_d_residual(saved.residual) * d_residual_d_predicted


SSR = Loss(ssr, d_ssr_d_predicted)
