"""torch's own layers and activations, by the names that manual_backprop.layers uses.

And random numbers that layers draw: generator_state.py says where they begin, drawn_numbers.py what they are.
"""

from torch_reference.layers.table import ACTIVATIONS, LAYERS

__all__ = ["ACTIVATIONS", "LAYERS"]
