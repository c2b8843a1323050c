"""The 1-2-1 SoftPlus network of the lesson: its parameters, its forward pass and the trace of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps

from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import check_network
from manual_backprop.lesson import elementary

PARAMETERS = ("w1", "b1", "w2", "b2", "w3", "w4", "b3")
"""The names of all seven parameters, in the order of the forward pass."""


@dataclass(frozen=True, eq=False)
class Trace:
    """Every named intermediate of one forward pass; derivatives read it and never recompute.

    Shapes: a parameter (*batch), everything else (*batch, n) for n observations.
    Units:  inputs are dosages, observed and predicted are effectiveness (in the lesson both run from 0 to 1).
    """

    parameters: Mapping[str, Tensor]
    inputs: Tensor
    observed: Tensor
    x1: Tensor
    y1: Tensor
    x2: Tensor
    y2: Tensor
    predicted: Tensor
    residual: Tensor
    # Derivatives that several parameters share, filled by once_per_trace.
    shared: dict[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def ssr(self) -> Float[Tensor, "*batch"]:
        """Sum of the squared residuals, shape (*batch)."""
        return elementary.ssr(self.residual)

    def column(self, name: str) -> Float[Tensor, "*batch 1"]:
        """A parameter with a last dimension of 1, so that it meets every observation."""
        return self.parameters[name].unsqueeze(-1)


def forward(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
) -> Trace:
    """Forward pass of the network over all observations.

    Formula: x1ᵢ = w1 · Inputᵢ + b1        y1ᵢ = SoftPlus(x1ᵢ)
             x2ᵢ = w2 · Inputᵢ + b2        y2ᵢ = SoftPlus(x2ᵢ)
             Predictedᵢ = w3 · y1ᵢ + w4 · y2ᵢ + b3
             Residualᵢ = Observedᵢ − Predictedᵢ
    Shapes:  each parameter (*batch), inputs and observed (*batch, n) with n ≥ 1. Parameters of shape ()
             serve every batch of the data, data of shape (n) serve every network; nothing else broadcasts.
    Errors:  ValueError for a missing or unknown parameter, a shape or a device that does not fit,
             TypeError for anything but tensors of one dtype, float32 or float64
    Source:  the lesson, section 2.1
    """
    check_network(PARAMETERS, parameters, inputs, observed)
    column = {name: parameters[name].unsqueeze(-1) for name in PARAMETERS}
    x1 = column["w1"] * inputs + column["b1"]
    y1 = elementary.softplus(x1)
    x2 = column["w2"] * inputs + column["b2"]
    y2 = elementary.softplus(x2)
    predicted = column["w3"] * y1 + column["w4"] * y2 + column["b3"]
    residual = observed - predicted
    return Trace(parameters, inputs, observed, x1, y1, x2, y2, predicted, residual)


def once_per_trace(derivative: Callable[[Trace], Tensor]) -> Callable[[Trace], Tensor]:
    """Compute a shared link of the chain once, however many parameters read it."""

    @wraps(derivative)
    def remembered(trace: Trace) -> Tensor:
        name = derivative.__name__
        if name not in trace.shared:
            trace.shared[name] = derivative(trace)
        return trace.shared[name]

    return remembered
