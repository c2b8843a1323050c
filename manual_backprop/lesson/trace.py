"""The trace of one forward pass: what the derivatives read, and what they share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from manual_backprop.lesson import elementary


@dataclass(frozen=True, eq=False)
class Trace:
    """Every named intermediate of one forward pass; derivatives read it and never recompute.

    The intermediates are attributes: trace.x1, trace.y1, trace.x2, trace.y2, trace.predicted, trace.residual.

    Shapes: a parameter (*batch), everything else (*batch, n) for n observations.
    Units:  inputs are dosages, observed and predicted are effectiveness (in the lesson both run from 0 to 1).
    """

    parameters: Mapping[str, Tensor]
    inputs: Tensor
    observed: Tensor
    intermediates: Mapping[str, Tensor]
    # Derivatives that several parameters share, filled by once_per_trace.
    shared: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Make every intermediate an attribute."""
        self.__dict__.update(self.intermediates)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Tensor:
            """An intermediate by its name."""

    @property
    def ssr(self) -> Float[Tensor, "*batch"]:
        """Sum of the squared residuals, shape (*batch)."""
        return elementary.ssr(self.residual)

    def column(self, name: str) -> Float[Tensor, "*batch 1"]:
        """A parameter with a last dimension of 1, so that it meets every observation."""
        return self.parameters[name].unsqueeze(-1)


def once_per_trace(derivative: Callable[[Trace], Tensor]) -> Callable[[Trace], Tensor]:
    """Compute a shared link of the chain once, however many parameters read it."""

    @wraps(derivative)
    def remembered(trace: Trace) -> Tensor:
        name = derivative.__name__
        if name not in trace.shared:
            trace.shared[name] = derivative(trace)
        return trace.shared[name]

    return remembered
