"""What a layer is: a forward pass, and one derivative for each thing that the loss depends on through it.

A layer's forward takes (parameters, inputs) and returns (output, saved); saved names what the derivatives
read. Its derivatives stand in a table, name -> function of (saved, d_loss_d_output), and backward reads off
the table what is wanted, so that a derivative nobody asked for is never computed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from manual_backprop.checks import DTYPES, check_names


@runtime_checkable
class Saved(Protocol):
    """What a forward pass keeps for its derivatives: named tensors, read and never written.

    The inputs and parameters in it are the caller's own tensors: do not change them before the backward pass.
    """

    @property
    def output_shape(self) -> torch.Size:
        """The shape of the forward pass's output, and so of d_loss_d_output."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The saved tensors: a NamedTuple's iteration."""
        ...


Derivative = Callable[[Any, Tensor], Tensor]
"""(saved, d_loss_d_output) -> the derivative of the loss, in the shape of what it is named after."""


class Layer(NamedTuple):
    """A forward pass, and the table of its derivatives by name: "input" and each parameter."""

    forward: Callable[..., tuple[Tensor, Any]]
    derivatives: Mapping[str, Derivative]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the layer's parameters, those of torch.nn."""
        return tuple(name for name in self.derivatives if name != "input")

    def backward(
        self, saved: Saved, d_loss_d_output: Tensor, wrt: Sequence[str] | None = None
    ) -> dict[str, Tensor]:
        """Gradient of the loss with respect to the layer's input and parameters, from that of its output.

        Formula: {name: Σⱼ ∂Loss/∂Outputⱼ · ∂Outputⱼ/∂name for name in wrt}
        Shapes:  d_loss_d_output has the output's shape, each result that of what it is named after
        Errors:  ValueError for another shape or device or an unknown name, TypeError for another dtype
        Source:  the chain rule; each derivative's docstring has its own
        """
        wrt = tuple(self.derivatives) if wrt is None else wrt
        check_names(wrt, tuple(self.derivatives))
        check_float("d_loss_d_output", d_loss_d_output)
        check_shape("d_loss_d_output", d_loss_d_output, saved.output_shape)
        for part in saved:
            if isinstance(part, Tensor) and part.is_floating_point():
                check_like("d_loss_d_output", d_loss_d_output, "the forward pass", part)
        return {name: self.derivatives[name](saved, d_loss_d_output) for name in wrt}


def check_float(name: str, tensor: object) -> None:
    """Raise TypeError unless this is a float32 or float64 tensor."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, found {type(tensor).__name__}")
    if tensor.dtype not in DTYPES:
        raise TypeError(f"{name} must be torch.float32 or torch.float64, found {tensor.dtype}")


def check_shape(name: str, tensor: Tensor, expected: Sequence[int]) -> None:
    """Raise ValueError unless the tensor has exactly this shape: nothing broadcasts unasked."""
    if tuple(tensor.shape) != tuple(expected):
        raise ValueError(f"{name} must have shape {tuple(expected)}, found {tuple(tensor.shape)}")


def check_like(name: str, tensor: Tensor, other_name: str, other: Tensor) -> None:
    """Raise TypeError or ValueError unless both are float tensors of one dtype on one device."""
    check_float(name, tensor)
    if tensor.dtype != other.dtype:
        raise TypeError(f"{name} must have the dtype of {other_name}, {other.dtype}, found {tensor.dtype}")
    if tensor.device != other.device:
        raise ValueError(
            f"{name} must be on the device of {other_name}, {other.device}, found {tensor.device}"
        )


def is_like(tensor: Tensor, other: Tensor) -> bool:
    """Whether a plain tensor has another one's dtype, device and shape."""
    is_alike = type(tensor) is Tensor and tensor.dtype is other.dtype and tensor.device == other.device
    return is_alike and tensor.shape == other.shape


def check_parameters(layer: str, parameters: Mapping[str, Tensor], expected: Sequence[str]) -> None:
    """Raise ValueError unless the parameters are exactly those that the layer has."""
    if set(parameters) != set(expected):
        raise ValueError(
            f"{layer} takes the parameters {list(expected)}, found {[str(name) for name in parameters]}"
        )
