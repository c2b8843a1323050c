"""The table of all layers: to add one, write its forward pass and its derivatives, and name it here.

The tests run over this table against torch.nn, so that a new entry is tested once the reference has it too.
"""

from collections.abc import Mapping

from manual_backprop.layers.activations import ELEMENTWISE
from manual_backprop.layers.dropout import DROPOUT
from manual_backprop.layers.embedding import EMBEDDING
from manual_backprop.layers.layer import Layer
from manual_backprop.layers.linear import LINEAR
from manual_backprop.layers.normalisation import BATCH_NORM, LAYER_NORM
from manual_backprop.layers.softmax import SOFTMAX

ACTIVATIONS: Mapping[str, Layer] = {**ELEMENTWISE, "softmax": SOFTMAX}
"""The layers without parameters that may stand between the linear layers of a perceptron."""

LAYERS: Mapping[str, Layer] = {
    "linear": LINEAR,
    **ACTIVATIONS,
    "layer_norm": LAYER_NORM,
    "batch_norm": BATCH_NORM,
    "dropout": DROPOUT,
    "embedding": EMBEDDING,
}
"""Name -> layer. forward(parameters, inputs) -> (output, saved); dropout also takes its mask."""
