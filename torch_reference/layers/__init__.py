"""torch's own layers and activations, by the names that manual_backprop.layers uses."""

from torch_reference.layers.table import ACTIVATIONS, LAYERS

__all__ = ["ACTIVATIONS", "LAYERS"]
