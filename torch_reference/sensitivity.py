"""How far rounding alone can move a gradient: the tolerance where no bound is derived formula by formula.

The reference is run again in float64 while every operation of its forward and backward pass, autograd's own
included, has its result moved by one rounding, up or down at random (Monte Carlo arithmetic: Parker 1997). To
first order an element of the gradient then moves by

    Σₖ ±aₖ,    aₖ = |∂element/∂resultₖ| · eps · |resultₖ|    over all results k of all operations,

so that cancellation shows by itself: 1 − σ(x) near σ(x) = 1 moves by one rounding of 1. Fused operations
(layer norm, GELU, log-softmax, ...) are first taken apart by PyTorch's own decompositions.

From the movement to the bound, n being the terms of the longest sum and k the operations in a row:

- An element depends on at most k · n results, and Σ|aₖ| ≤ √(k · n) · √(Σaₖ²): a factor √(k · n).
- A sum of n terms is one operation here, and rounds n times: by n · eps · Σ|terms| at worst, by
  √n · eps · Σ|terms| when the roundings are independent (Higham and Mary 2019). With
  Σ|terms| ≤ √n · √(Σterms²), that is another n of the movement that the terms' own roundings have made.
- The largest of 16 draws is at least half of √(Σaₖ²), for a normal sum in all but 2e-7 of cases: a factor 2.
- Two evaluations are compared and both round: a factor 2.

    bound = 4 · (n + √(k · n)) · largest movement of 16 draws

To it comes twice the reference's own error (the rule of the FlashAttention tests). In float32 that is how
far autograd in float32 is from autograd in float64. In float64 nothing more exact is at hand, and it is how
far a fused operation is from PyTorch's own decomposition of it: the processor's backward pass of layer norm,
for one, works with inputs that are not centred, and loses the digits of a large mean.

There is no absolute tolerance: an element that no rounding can move must be equal.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch.utils._python_dispatch import TorchDispatchMode

DRAWS = 16
AMPLIFIED_EPS = 2.0**-30
"""A movement of float64's own eps would drown in float64's rounding: it is made larger, then scaled back."""

Tensors = Mapping[str, Tensor]
Reference = Callable[[Tensors], Tensors]
"""Inputs by name -> gradients (and outputs, if they are compared too) by name, in the inputs' dtype."""

_FUSED = {
    "_log_softmax",
    "_log_softmax_backward_data",
    "_softmax",
    "_softmax_backward_data",
    "binary_cross_entropy_with_logits",
    "gelu",
    "gelu_backward",
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
}
"""The operations that hide a cancellation inside: taken apart before their results are moved."""

_NEVER_ZERO = {"exp", "sigmoid"}
"""The operations whose zero is never exact: the result was too small for the dtype, or for a kernel."""


def growing_bounds(
    reference: Reference, inputs: Tensors, longest_sum: int, operations: int, draws: int = DRAWS
) -> Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """The reference in float64, and how far from it a right result in the inputs' dtype may be, per element.

    One pair of (expected, bounds) for each draw: the bounds grow from draw to draw, and the last are those of
    the module's docstring. Who is within the first need not wait for the others.

    Shapes: inputs of one float dtype (other dtypes, such as indices, are passed on); longest_sum
            and operations are n and k above; both results have the reference's names and shapes
    """
    dtype = next(tensor.dtype for tensor in inputs.values() if tensor.is_floating_point())
    exact = {
        name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in inputs.items()
    }
    expected = dict(reference(exact))
    with _Rounding(dtype, scale=0.0, seed=0):
        decomposed = reference(exact)
    own = decomposed if dtype == torch.float64 else reference(inputs)
    own_error = {name: (own[name] - expected[name]).abs() for name in expected}
    factor = 4 * (longest_sum + math.sqrt(operations * longest_sum))
    moved = {name: torch.zeros_like(tensor) for name, tensor in expected.items()}
    for seed in range(draws):
        for name, movement in _movement(reference, exact, decomposed, dtype, seed).items():
            moved[name] = torch.maximum(moved[name], movement)
        yield expected, {name: factor * moved[name] + 2 * own_error[name] for name in expected}


def expected_and_bounds(
    reference: Reference, inputs: Tensors, longest_sum: int, operations: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The last pair of growing_bounds: those of all draws."""
    return list(growing_bounds(reference, inputs, longest_sum, operations))[-1]


def _movement(
    reference: Reference, inputs: Tensors, still: Tensors, dtype: torch.dtype, seed: int
) -> dict[str, Tensor]:
    """How far each element of the reference moves when every result moves by one rounding of dtype."""
    scale = max(1.0, AMPLIFIED_EPS / torch.finfo(dtype).eps)
    rounding = _Rounding(dtype, scale, seed)
    shaken_inputs = {name: rounding.shaken(tensor) for name, tensor in inputs.items()}
    with rounding:
        shaken = reference(shaken_inputs)
    return {name: (tensor - still[name]).abs() / scale for name, tensor in shaken.items()}


class _Rounding(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Move the result of every operation by one rounding, up or down at random."""

    def __init__(self, dtype: torch.dtype, scale: float, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.relative = torch.finfo(dtype).eps * scale
        # Below the smallest normal number the rounding is absolute, and some kernels flush to zero.
        self.absolute = torch.finfo(dtype).tiny * scale
        self.generator = torch.Generator().manual_seed(seed)

    def shaken(self, result: Tensor, zero_has_underflowed: bool = False) -> Tensor:
        """The result, moved by one rounding; an exact zero, on which a kink may turn, stays."""
        if not result.is_floating_point():
            return result
        sign = torch.randint(0, 2, result.shape, generator=self.generator) * 2 - 1
        inexact = torch.ones_like(result) if zero_has_underflowed else (result != 0).to(result.dtype)
        size = self.relative * result.abs() + self.absolute * inexact
        return result + sign * size

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation of torch, taken apart where it is fused, and move its results."""
        # Of an empty tensor there is nothing to move, and the decompositions divide by its size.
        empty = any(isinstance(tensor, Tensor) and tensor.numel() == 0 for tensor in args)
        if func.overloadpacket.__name__ in _FUSED and func in decomposition_table and not empty:
            with self:
                return decomposition_table[func](*args, **(kwargs or {}))
        results = func(*args, **(kwargs or {}))
        # A view, or an operation that writes in place, returns memory that has been moved before.
        if any(result.alias_info is not None for result in func._schema.returns):
            return results
        if func.overloadpacket.__name__ in _NEVER_ZERO:
            return self.shaken(results, zero_has_underflowed=True)
        if isinstance(results, tuple):
            return tuple(self.shaken(result) if isinstance(result, Tensor) else result for result in results)
        return self.shaken(results) if isinstance(results, Tensor) else results
