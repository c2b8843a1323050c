"""The rule by which two witnesses of a layer agree, in one place; its reasons stand in sensitivity.py."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from torch_reference.sensitivity import growing_bounds

OPERATIONS_IN_A_ROW = 16
"""The most operations between an input and a result of one layer or loss, both passes: GELU has 15."""

Tensors = Mapping[str, Tensor]


def disagreements(
    actual: Tensors,
    reference: Callable[[Tensors], Tensors],
    inputs: Tensors,
    longest_sum: int,
    operations: int = OPERATIONS_IN_A_ROW,
) -> list[str]:
    """One line for each name whose value is not the reference's within rounding."""
    dtype = next(tensor.dtype for tensor in inputs.values() if tensor.is_floating_point())
    lines: list[str] = []
    for expected, bounds in growing_bounds(reference, inputs, longest_sum, operations):
        lines = _outside(actual, expected, bounds, dtype)
        if not lines:
            break
    return lines


def _outside(actual: Tensors, expected: Tensors, bounds: Tensors, dtype: torch.dtype) -> list[str]:
    if actual.keys() != expected.keys():
        return [f"names: {sorted(actual)} instead of {sorted(expected)}"]
    lines = []
    for name, value in actual.items():
        if value.shape != expected[name].shape or value.dtype != dtype:
            lines.append(
                f"{name}: {tuple(value.shape)} {value.dtype}, not {tuple(expected[name].shape)} {dtype}"
            )
            continue
        error = (value.double() - expected[name]).abs()
        # A NaN agrees with a NaN only, an infinity with the same one; no bound can excuse either.
        same = (value.double() == expected[name]) | (value.isnan() & expected[name].isnan())
        if not (same | (error <= bounds[name])).all():
            ratio = (error / bounds[name])[~same].max()
            lines.append(f"{name}: error up to {error[~same].max():.3g}, {ratio:.3g} times its bound")
    return lines
