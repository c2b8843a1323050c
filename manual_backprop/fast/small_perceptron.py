"""The gradient of a small perceptron in one call of small_perceptron.c, where there is a C compiler.

The chain is that of perceptron.py, which is the one to read. A small network's gradient by torch takes
seventeen calls, which last nearly as long as the work.
"""

import ctypes
import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from manual_backprop.fast.kernels.compiled_library import library
from manual_backprop.fast.kernels.plain_tensors import plain_addresses, pointers
from manual_backprop.fast.shared_memory import overlap
from manual_backprop.layers.activations import ELEMENTWISE
from manual_backprop.layers.linear import LINEAR
from manual_backprop.networks.architecture import Perceptron

MULTIPLICATIONS = 1 << 21
"""In the matrix products of a forward pass: with more of them, torch's products, which are faster, gain more
than its calls cost. 64-128-10 on 128 rows has 1.2 million, and takes half the time of torch's way; on
128-256-10, with 4.5 million, two threads of torch's are as fast (docs/speed.md)."""


class Small:
    """One architecture and one loss, as the kernel takes them: linear layers with ReLU between."""

    def __init__(self, network: Perceptron, loss: str) -> None:
        """Find out whether the kernel knows the network and the loss."""
        layers = [module.layer for module in network.modules]
        between = [LINEAR, ELEMENTWISE["relu"]] * (len(layers) // 2) + [LINEAR]
        weights = [shape for shape in network.shapes.values() if len(shape) == 2]
        widths = [weights[0][1], *(outputs for outputs, _ in weights)]
        self.is_known = layers == between and loss in (
            *("ssr", "mean_squared_error", "cross_entropy_sum", "cross_entropy_mean"),
        )
        self._names, self._width = network.parameters, widths[-1]
        self._lengths = [math.prod(network.shapes[name]) for name in self._names]
        self._layers, self._widths = len(weights), (ctypes.c_long * len(widths))(*widths)
        self._multiplications = sum(outputs * inputs for outputs, inputs in weights)
        self._classes, self._mean = loss.startswith("cross_entropy"), "mean" in loss

    def gradients(
        self, parameters: Mapping[str, Tensor], inputs: Tensor, targets: Tensor, out: Mapping[str, Tensor]
    ) -> dict[str, Tensor] | None:
        """Gradient of the loss with respect to every parameter, or None where this is not for the kernel.

        Parameters, inputs and out have one dtype, float32 or float64, and fit; the targets may be anything.
        Nothing watches what is done here (is_watched), and out has all names or none.

        Formula: {name: ∂Loss/∂name for every parameter}
        Shapes:  those of perceptron_gradient.Gradients
        Source:  perceptron.gradients
        """
        n = inputs.shape[0]
        if not self.is_known or n * self._multiplications > MULTIPLICATIONS:
            return None
        if not self._fit(targets, inputs):
            return None
        given = [parameters[name] for name in self._names]
        written = [out[name] for name in self._names] if out else []
        addresses = plain_addresses((), (*given, inputs, targets, *written), inputs.dtype)
        if addresses is None:
            return None
        if out and not (_may_be_written(written) and self._lie_apart(addresses, inputs, targets)):
            return None
        kernel = library(inputs.dtype)
        if kernel is None:
            return None
        count = len(given)
        of_targets, found = addresses[count + 1], written or list(map(torch.empty_like, given))
        into = addresses[count + 2 :] or [tensor.data_ptr() for tensor in found]
        failed = kernel.perceptron(
            *(self._widths, self._layers, pointers(addresses[:count]), addresses[count]),
            *((None, of_targets) if self._classes else (of_targets, None)),
            *(float(targets.numel() if self._mean else 1), n, pointers(into)),
        )
        if failed:
            return None
        if out:
            # As every operation of torch does: a graph that has kept one of them knows that it has changed.
            torch._C._increment_version(found)
        return dict(zip(self._names, found, strict=True))

    def _lie_apart(self, addresses: list[int], inputs: Tensor, targets: Tensor) -> bool:
        """Whether no result is written where something is still read, or another result."""
        lengths = [length * inputs.itemsize for length in self._lengths]
        lengths = [*lengths, inputs.nbytes, targets.nbytes, *lengths]
        read = len(self._lengths) + 2
        whole = zip(addresses, lengths, range(len(lengths)), strict=True)
        return not overlap([(start, start + length, place >= read) for start, length, place in whole])

    def _fit(self, targets: Tensor, inputs: Tensor) -> bool:
        n = inputs.shape[0]
        if self._classes:
            return targets.dtype is torch.int64 and targets.shape == (n,)
        return targets.dtype is inputs.dtype and targets.shape == (n, self._width)


def _may_be_written(tensors: Iterable[Tensor]) -> bool:
    """Whether torch itself would write to them here: not to a tensor of inference mode outside of it."""
    return torch.is_inference_mode_enabled() or not any(tensor.is_inference() for tensor in tensors)
