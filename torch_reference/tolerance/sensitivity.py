"""How far rounding alone can move a gradient: the tolerance where no bound is derived formula by formula.

The reference is run again in float64 while every operation of its forward and backward pass, autograd's own
included, has its result moved by zₖ roundings, zₖ being standard normal (Monte Carlo arithmetic: Parker
1997). To first order an element of the gradient then moves by

    Σₖ zₖ aₖ,    aₖ = |∂element/∂resultₖ| · eps · |resultₖ|    over all results k of all operations,

so that cancellation shows by itself: 1 − σ(x) near σ(x) = 1 moves by one rounding of 1. Fused operations
(layer norm, GELU, log-softmax, ...) are first taken apart by PyTorch's own decompositions.

From the movement to the bound, n being the terms of the longest sum and k the operations in a row:

- An element depends on at most k · n results, and Σ|aₖ| ≤ √(k · n) · √(Σaₖ²): a factor √(k · n).
- A sum of n terms is one operation here, and rounds n times: by n · eps · Σ|terms| at worst, by
  √n · eps · Σ|terms| when the roundings are independent (Higham and Mary 2019). With
  Σ|terms| ≤ √n · √(Σterms²), that is another n of the movement that the terms' own roundings have made.
- The movement is normal with standard deviation √(Σaₖ²): the largest of 16 draws is at least half of that in
  all but 2e-7 of cases: a factor 2.
- Two evaluations are compared and both round: a factor 2.

    bound = 4 · (n + √(k · n)) · largest movement of 16 draws

To it comes twice the reference's own error (the rule of the FlashAttention tests). In float32 that is how
far autograd in float32 is from autograd in float64. In float64 nothing more exact is at hand, and it is how
far a fused operation is from PyTorch's own decomposition of it: the processor's backward pass of layer norm,
for one, works with inputs that are not centred, and loses the digits of a large mean.

There is no absolute tolerance: an element that no rounding can move must be equal. Where a decision of the
reference (is this ReLU on?) is itself within rounding, `branches` gives what the reference is on either side.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_reference.tolerance.shaking import Shaking

DRAWS = 16
TURNS, TURNING = 8, 8.0
"""Draws in which a decision may turn, and the roundings by which they move: one that is within a rounding
turns in a draw with a probability of 0.45, and so in none of 8 with one of 0.008."""
AMPLIFIED_EPS = 2.0**-30
"""A movement of float64's own eps would drown in float64's rounding: it is made larger, then scaled back."""

Tensors = Mapping[str, Tensor]
Reference = Callable[[Tensors], Tensors]
"""Inputs by name -> gradients (and outputs, if they are compared too) by name, in the inputs' dtype."""


class Still(NamedTuple):
    """The reference without shaking, and what was counted on the way."""

    exact_inputs: dict[str, Tensor]
    expected: Tensors
    decomposed: Tensors
    own: Tensors
    dtype: torch.dtype
    decisions: tuple[Any, ...]
    longest_sum: int
    operations: int


def run_still(reference: Reference, inputs: Tensors) -> Still:
    """The reference in float64, as it is and taken apart, and in the inputs' own dtype."""
    dtype = coarsest(inputs)
    exact = {
        name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in inputs.items()
    }
    expected = reference(exact)
    still = Shaking(dtype, scale=0.0, seed=0)
    with still:
        decomposed = reference(exact)
    own = decomposed if dtype == torch.float64 else reference(inputs)
    return Still(
        exact, expected, decomposed, own, dtype, tuple(still.decisions), still.longest_sum, still.operations
    )


def coarsest(inputs: Tensors) -> torch.dtype:
    """The floating-point dtype with the largest rounding."""
    dtypes = {tensor.dtype for tensor in inputs.values() if tensor.is_floating_point()}
    return max(dtypes, key=lambda dtype: torch.finfo(dtype).eps, default=torch.float64)


def growing_bounds(
    reference: Reference,
    inputs: Tensors,
    longest_sum: int | None = None,
    operations: int | None = None,
    draws: int = DRAWS,
    still: Still | None = None,
) -> Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """The reference in float64, and how far from it a right result in the inputs' dtype may be, per element.

    One pair of (expected, bounds) for each draw: the bounds grow from draw to draw, and the last are those of
    the module's docstring. Who is within the first need not wait for the others.

    Shapes: inputs of one float dtype (other dtypes, such as indices, are passed on); longest_sum
            and operations are n and k above, counted where they are not given; both results have the
            reference's names and shapes
    """
    still = still or run_still(reference, inputs)
    n = longest_sum or still.longest_sum
    factor = 4 * (n + math.sqrt((operations or still.operations) * n))
    expected = dict(still.expected)
    own_error = {name: (still.own[name] - expected[name]).abs() for name in expected}
    moved = {name: torch.zeros_like(tensor) for name, tensor in expected.items()}
    for seed in range(draws):
        for name, movement in _movement(reference, still, seed).items():
            moved[name] = torch.maximum(moved[name], movement)
        yield expected, {name: factor * moved[name] + 2 * own_error[name] for name in expected}


def branches(reference: Reference, still: Still) -> Iterator[Still]:
    """The reference where decisions that roundings turn fall otherwise: each is one way they may all fall.

    Nothing is yielded where no decision turns.
    """
    seen = [still.decisions]
    for seed in range(TURNS):
        free = Shaking(still.dtype, TURNING, seed)
        shaken_inputs = {name: free.shaken(tensor) for name, tensor in still.exact_inputs.items()}
        with free:
            reference(shaken_inputs)
        decisions = tuple(free.decisions)
        if any(_same_decisions(decisions, other) for other in seen):
            continue
        seen.append(decisions)
        with Shaking(still.dtype, scale=0.0, seed=0, held=decisions):
            turned = reference(still.exact_inputs)
        own = {name: value + still.own[name] - still.expected[name] for name, value in turned.items()}
        yield still._replace(expected=turned, decomposed=turned, own=own, decisions=decisions)


def _same_decisions(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b
        for a, b in zip(one, other, strict=True)
    )


def expected_and_bounds(
    reference: Reference, inputs: Tensors, longest_sum: int | None = None, operations: int | None = None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The last pair of growing_bounds: those of all draws."""
    return list(growing_bounds(reference, inputs, longest_sum, operations))[-1]


def _movement(reference: Reference, still: Still, seed: int) -> dict[str, Tensor]:
    """How far each element of the reference moves when every result moves by roundings of dtype."""
    scale = max(1.0, AMPLIFIED_EPS / torch.finfo(still.dtype).eps)
    shaking = Shaking(still.dtype, scale, seed, held=still.decisions)
    shaken_inputs = {name: shaking.shaken(tensor) for name, tensor in still.exact_inputs.items()}
    with shaking:
        shaken = reference(shaken_inputs)
    return {name: (tensor - still.decomposed[name]).abs() / scale for name, tensor in shaken.items()}
