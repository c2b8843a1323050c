"""Monte Carlo arithmetic: run any torch code with the result of every operation moved by a rounding or so.

A *decision* is never moved: what is piecewise constant (a comparison, an index, a sign, a floor) is recorded
when the code runs still, and held when it is shaken. Else a ReLU whose input is within rounding of its kink
would turn on or off, and the movement of everything behind it would measure the step of the kink and not
rounding.
"""

import inspect
import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch.utils._python_dispatch import TorchDispatchMode

_FUSED = {
    "_log_softmax",
    "_log_softmax_backward_data",
    "_softmax",
    "_softmax_backward_data",
    "binary_cross_entropy_with_logits",
    "elu_backward",
    "gelu",
    "gelu_backward",
    "hardsigmoid_backward",
    "hardswish_backward",
    "hardtanh_backward",
    "leaky_relu_backward",
    "mse_loss",
    "mse_loss_backward",
    "native_batch_norm",
    "native_batch_norm_backward",
    "native_layer_norm",
    "native_layer_norm_backward",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softplus",
    "softplus_backward",
    "tanh_backward",
    "threshold_backward",
}
"""The operations that hide a cancellation or a decision inside: taken apart before anything is moved."""

_NEVER_ZERO = {"exp", "sigmoid"}
"""The operations whose zero is never exact: the result was too small for the dtype, or for a kernel."""

_ZEROS = {"new_zeros", "zeros", "zeros_like"}
"""The operations that compute nothing, and whose result would not be moved either."""

_PIECEWISE_CONSTANT = {"sign", "sgn", "floor", "ceil", "round", "trunc", "heaviside"}
"""The operations on floating-point numbers that decide; those that return integers or truth values do too."""

_MATRIX_PRODUCTS = {"mm", "bmm", "mv", "dot", "vdot"}
_MATRIX_PRODUCTS_AND_SUM = {"addmm", "baddbmm", "addmv", "addbmm"}
_SCATTERING = {"embedding_dense_backward", "index_add", "index_put", "scatter_add", "scatter_reduce"}


class Shaking(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Move the result of every operation by a random number of roundings, and count the operations.

    The number is normal with a standard deviation of 1. (±1 would do as well on the whole, but then two equal
    movements cancel in every second draw, and a few draws prove nothing.)

    Attributes: operations and longest_sum, how many results would be moved, and the terms of the longest sum,
                counted while nothing is (at a scale of 0); decisions, what was decided, in order
    """

    def __init__(
        self, dtype: torch.dtype, scale: float, seed: int, held: tuple[Any, ...] | None = None
    ) -> None:
        """Shake by `scale` roundings of dtype; with `held`, keep to the decisions of another run."""
        super().__init__()  # type: ignore[no-untyped-call]
        info = torch.finfo(dtype)
        self.relative = info.eps * scale
        # Below the smallest normal number the rounding is absolute, and some kernels flush to zero.
        self.absolute = info.tiny / info.eps
        self.seed = seed
        self.generators: dict[torch.device, torch.Generator] = {}
        self.held = held
        self.decisions: list[Any] = []
        self.operations = 0
        self.longest_sum = 1

    def shaken(self, result: Tensor, zero_has_underflowed: bool = False) -> Tensor:
        """The result, moved by roundings; an exact zero, on which a kink may turn, stays."""
        if not result.is_floating_point():
            return result
        if result.device not in self.generators:
            self.generators[result.device] = torch.Generator(result.device).manual_seed(self.seed)
        # In float32, at a fifth of the time: what is random needs no more digits.
        number = torch.empty_like(result, dtype=torch.float32)
        number.normal_(std=self.relative, generator=self.generators[result.device])
        sign = torch.copysign(torch.ones_like(result), result) if zero_has_underflowed else result.sgn()
        return result + torch.add(result, sign, alpha=self.absolute).mul_(number)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No guard against torch.compile around every operation: nothing is compiled, and each costs 5 µs."""
        return False  # pragma: no mutate (torch asks before mutmut has made its mutant)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation of torch, taken apart where it is fused, and move its results."""
        kind = _kind(func)
        # Of an empty tensor there is nothing to move, and the decompositions divide by its size.
        if kind.apart and not any(isinstance(tensor, Tensor) and tensor.numel() == 0 for tensor in args):
            with self:
                return kind.apart(*args, **(kwargs or {}))
        results = func(*args, **(kwargs or {}))
        if kind.exact:
            return results
        if isinstance(results, (tuple, list)):
            return type(results)(self._moved(kind.name, args, result) for result in results)
        return self._moved(kind.name, args, results)

    def _moved(self, name: str, args: tuple[Any, ...], result: Any) -> Any:
        decides = not isinstance(result, Tensor) or not result.is_floating_point()
        if decides or name in _PIECEWISE_CONSTANT:
            return self._decided(result)
        if self.relative:
            return self.shaken(result, zero_has_underflowed=name in _NEVER_ZERO)
        self.operations += 1
        self.longest_sum = max(self.longest_sum, _terms(name, args, result))
        return result

    def _decided(self, result: Any) -> Any:
        """The decision of the run that is held, if it is the same one."""
        self.decisions.append(result)
        number = len(self.decisions) - 1
        if self.held is None or number >= len(self.held):
            return result
        held = self.held[number]
        # A model that decides in Python may run other operations: then there is nothing to hold on to.
        same = isinstance(held, Tensor) == isinstance(result, Tensor)
        return held if same and getattr(held, "shape", ()) == getattr(result, "shape", ()) else result


class _Kind(NamedTuple):
    """What is known of an operation: its name, how to take it apart, and whether it rounds nothing."""

    name: str
    apart: Callable[..., Any] | None
    exact: bool


@cache
def _kind(func: Any) -> _Kind:
    name = func.overloadpacket.__name__
    # A view, or an operation that writes in place, returns memory that has been moved before.
    memory_of_others = any(result.alias_info is not None for result in func._schema.returns)
    apart = decomposition_table.get(func) if name in _FUSED else None
    if apart:  # without what it is wrapped in: conversions for half precision, where all is float64
        apart = inspect.unwrap(apart)
    return _Kind(name, apart, memory_of_others or name in _ZEROS)


def _terms(name: str, args: tuple[Any, ...], result: Tensor) -> int:
    """How many terms the operation sums for each element of its result."""
    tensors = [arg for arg in args if isinstance(arg, Tensor) and arg.numel()]
    if not tensors or not result.numel():
        return 1
    if name in _MATRIX_PRODUCTS:
        return tensors[0].shape[-1]
    if name in _MATRIX_PRODUCTS_AND_SUM:
        return tensors[1].shape[-1] + 1
    largest = max(tensor.numel() for tensor in tensors)
    if name in _SCATTERING or "convolution" in name:
        return largest  # at worst all of them meet in one element
    if name.startswith("cum"):
        return max(result.shape, default=1)
    return math.ceil(largest / result.numel())
