"""torch's own losses, by the names that manual_backprop.losses uses, and autograd's gradient of each."""

from torch_reference.losses.table import LOSSES, loss_gradients

__all__ = ["LOSSES", "loss_gradients"]
