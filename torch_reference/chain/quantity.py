"""One link of a chain: a named tensor of the forward pass, and the gradient that somebody derived for it."""

from dataclasses import dataclass

from torch import Tensor

from torch_reference.chain.graph import Edge


@dataclass(frozen=True)
class Place:
    """Where a gradient was computed: a line of the user's own code."""

    file: str
    line: int
    source: str = ""
    function: str = ""

    def __str__(self) -> str:
        """As editors and debuggers write it."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Quantity:
    """The name of a tensor and of its gradient by hand, the tensor's edge, its value, and that gradient.

    label tells it from others of its name: rounds of a loop, uses of one module.
    """

    name: str
    manual_name: str
    edge: Edge
    value: Tensor
    manual: Tensor
    place: Place | None = None
    label: str = ""

    @property
    def shown(self) -> str:
        """The name by which reports call it."""
        return f"{self.name}{self.label}"
