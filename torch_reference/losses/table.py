"""The losses of torch.nn by the names that manual_backprop uses."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

LOSSES: Mapping[str, nn.Module] = {
    "ssr": nn.MSELoss(reduction="sum"),
    "mean_squared_error": nn.MSELoss(),
    "cross_entropy_sum": nn.CrossEntropyLoss(reduction="sum"),
    "cross_entropy_mean": nn.CrossEntropyLoss(),
    "binary_cross_entropy_sum": nn.BCEWithLogitsLoss(reduction="sum"),
    "binary_cross_entropy_mean": nn.BCEWithLogitsLoss(),
}
"""Name -> the loss as a module of (predicted, targets)."""


def loss_gradients(name: str, predicted: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """The loss, and autograd's gradient with respect to the predictions.

    >>> import torch
    >>> predicted, observed = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])
    >>> loss_gradients("ssr", predicted, observed)
    {'loss': tensor(5.), 'predicted': tensor([ 2., -4.])}
    """
    leaf = predicted.detach().clone().requires_grad_()
    loss = LOSSES[name](leaf, targets)
    (d_loss_d_predicted,) = torch.autograd.grad(loss, leaf)
    return {"loss": loss.detach(), "predicted": d_loss_d_predicted}
