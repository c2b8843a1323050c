"""torch's own layers, activations and losses, by the names that manual_backprop.layers uses."""

from torch_reference.layers.table import ACTIVATIONS, LAYERS

__all__ = ["ACTIVATIONS", "LAYERS"]
