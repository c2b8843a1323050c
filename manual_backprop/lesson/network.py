"""The 1-2-1 SoftPlus network of the lesson: the layers that it is made of, and its forward pass."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_network
from manual_backprop.lesson import bottom_node, output_layer, top_node
from manual_backprop.lesson.trace import Trace

NODES = (top_node, bottom_node)
"""The hidden nodes, a file for each."""

LAYERS = (*NODES, output_layer)
"""In the order of the forward pass; each has its formula, its derivatives and its tables in one file."""

PARAMETERS = tuple(name for layer in LAYERS for name in layer.DERIVATIVES)
"""The names of all parameters, in the order of the forward pass; in the lesson w1, b1, w2, b2, w3, w4, b3."""


def forward(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
) -> Trace:
    """Forward pass of the network over all observations: that of each layer, one after another.

    Formula: the layers' own, in the lesson
             x1ᵢ = w1 · Inputᵢ + b1        y1ᵢ = SoftPlus(x1ᵢ)
             x2ᵢ = w2 · Inputᵢ + b2        y2ᵢ = SoftPlus(x2ᵢ)
             Predictedᵢ = w3 · y1ᵢ + w4 · y2ᵢ + b3
             Residualᵢ = Observedᵢ − Predictedᵢ
    Shapes:  each parameter (*batch), inputs and observed (*batch, n) with n ≥ 1. Parameters of shape ()
             serve every batch of the data, data of shape (n) serve every network; nothing else broadcasts.
    Errors:  ValueError for a missing or unknown parameter, a shape or a device that does not fit,
             TypeError for anything but tensors of one dtype, float32 or float64
    Source:  docs/lesson.md, section 2.1

    >>> from manual_backprop import lesson
    >>> inputs, observed = lesson.data()
    >>> trace = lesson.forward(lesson.start(), inputs, observed)
    >>> [round(value, 4) for value in trace.predicted.tolist()]
    [0.7187, 0.4619, 0.7691]
    >>> round(trace.ssr.item(), 4)
    1.3977
    """
    check_network(PARAMETERS, parameters, inputs, observed)
    column = {name: value.unsqueeze(-1) for name, value in parameters.items()}
    values: dict[str, Tensor] = {"inputs": inputs}
    for layer in LAYERS:
        values |= layer.forward(column, values)
    values["residual"] = observed - values["predicted"]
    del values["inputs"]
    return Trace(parameters, inputs, observed, values)
