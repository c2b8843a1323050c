"""Layers: a forward pass, what it saves, and its derivatives with respect to its input and its parameters.

layer says what a layer is; each other file holds one kind of them; table names them all.
"""

from manual_backprop.layers.layer import Layer
from manual_backprop.layers.table import ACTIVATIONS, LAYERS

__all__ = ["ACTIVATIONS", "LAYERS", "Layer"]
