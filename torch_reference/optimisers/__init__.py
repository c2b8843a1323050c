"""torch.optim's optimisers, by the names that manual_backprop.optimisers uses."""

from torch_reference.optimisers.table import OPTIMISERS

__all__ = ["OPTIMISERS"]
