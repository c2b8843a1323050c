"""The rule by which two witnesses agree where no bound is derived by hand; its reasons: sensitivity.py."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.tolerance.sensitivity import Reference, growing_bounds

OPERATIONS_PER_LAYER = 16
"""The most operations in a row of one layer or loss, forward and backward: GELU has 15."""

Tensors = Mapping[str, Tensor]


class Disagreement(NamedTuple):
    """One name whose value is not the reference's within rounding: error and bound at its worst place."""

    name: str
    error: float
    bound: float
    note: str = ""

    def __str__(self) -> str:
        """One line."""
        return f"{self.name}: " + (
            self.note or f"off by {self.error:.3g}, where rounding explains {self.bound:.3g}"
        )


def disagreements(
    actual: Tensors,
    reference: Reference,
    inputs: Tensors,
    longest_sum: int,
    operations: int = OPERATIONS_PER_LAYER,
) -> list[Disagreement]:
    """What of the actual values is not the reference's within rounding, in the order of the actual values.

    Shapes: as growing_bounds takes them; the actual values have the reference's names and shapes, and the
            inputs' dtype

    >>> import torch
    >>> x = torch.linspace(1, 2, 5)
    >>> reference = lambda tensors: {"mean": tensors["x"].mean()}
    >>> disagreements({"mean": x.sum() / 5}, reference, {"x": x}, longest_sum=5)
    []
    >>> [found.name for found in disagreements({"mean": x.sum() / 4}, reference, {"x": x}, longest_sum=5)]
    ['mean']
    """
    dtype = next(tensor.dtype for tensor in inputs.values() if tensor.is_floating_point())
    found: list[Disagreement] = []
    for expected, bounds in growing_bounds(reference, inputs, longest_sum, operations):
        found = _outside(actual, expected, bounds, dtype)
        if not found:
            break
    return found


def _outside(actual: Tensors, expected: Tensors, bounds: Tensors, dtype: torch.dtype) -> list[Disagreement]:
    names = [*actual, *(name for name in expected if name not in actual)]
    rows = (_compared(name, actual.get(name), expected.get(name), bounds.get(name), dtype) for name in names)
    return [row for row in rows if row is not None]


def _compared(
    name: str, actual: Tensor | None, expected: Tensor | None, bound: Tensor | None, dtype: torch.dtype
) -> Disagreement | None:
    if actual is None or expected is None or bound is None:
        return Disagreement(name, torch.inf, 0.0, "only one witness has it")
    if actual.shape != expected.shape or actual.dtype != dtype:
        note = f"{tuple(actual.shape)} of {actual.dtype}, expected {tuple(expected.shape)} of {dtype}"
        return Disagreement(name, torch.inf, 0.0, note)
    error = (actual.double() - expected).abs()
    # A NaN agrees with a NaN only, an infinity with the same one; no bound can excuse either.
    same = (actual.double() == expected) | (actual.isnan() & expected.isnan())
    outside = ~(same | (error <= bound))
    if not outside.any():
        return None
    worst = (error / bound)[outside].nan_to_num(torch.inf).argmax()
    return Disagreement(name, error[outside][worst].item(), bound[outside][worst].item())
