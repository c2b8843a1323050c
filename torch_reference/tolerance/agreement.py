"""The rule by which two witnesses agree where no bound is derived by hand; its reasons: movement.py."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.differences import coarsest
from torch_reference.tolerance.movement import Reference
from torch_reference.tolerance.verdicts import Tolerance

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


def disagreements(actual: Tensors, reference: Reference, inputs: Tensors) -> list[Disagreement]:
    """What of the actual values is not the reference's within rounding, in the order of the actual values.

    Shapes: as Movement takes them; the actual values have the reference's names and shapes, and the inputs'
            dtype

    >>> import torch
    >>> x = torch.linspace(1, 2, 5)
    >>> reference = lambda tensors: {"mean": tensors["x"].mean()}
    >>> disagreements({"mean": x.sum() / 5}, reference, {"x": x})
    []
    >>> [found.name for found in disagreements({"mean": x.sum() / 4}, reference, {"x": x})]
    ['mean']
    """
    dtype = coarsest(inputs)
    tolerance = Tolerance(reference, inputs)
    expected = tolerance.movement.expected
    unlike = {name: _unlike(actual.get(name), expected.get(name), dtype) for name in {**actual, **expected}}
    rows = tolerance.rows({name: actual[name] for name in actual if not unlike[name]}, blunt=False)
    found = [
        Disagreement(name, torch.inf, 0.0, unlike[name])
        if unlike[name]
        else _disagreement(rows[name], actual[name], tolerance)
        for name in unlike
    ]
    return [one for one in found if one is not None]


def _unlike(actual: Tensor | None, expected: Tensor | None, dtype: torch.dtype) -> str:
    if actual is None or expected is None:
        return "only one witness has it"
    if actual.shape != expected.shape or actual.dtype != dtype:
        return f"{tuple(actual.shape)} of {actual.dtype}, expected {tuple(expected.shape)} of {dtype}"
    return ""


def _disagreement(row: Row, actual: Tensor, tolerance: Tolerance) -> Disagreement | None:
    is_nan = row.verdict is Verdict.INCONCLUSIVE
    if row.agrees or (is_nan and _agrees_but_for_nan(row.name, actual, tolerance)):
        return None
    name = f"{row.name}, {row.part}" if row.part else row.name
    return Disagreement(name, row.difference or 0.0, row.bound or 0.0)


def _agrees_but_for_nan(name: str, actual: Tensor, tolerance: Tolerance) -> bool:
    """Whether both have NaN in the same places, as the mean of no numbers is, and agree elsewhere."""
    expected, bound = tolerance.movement.expected[name], tolerance.movement.bound(name)
    both = actual.isnan() & expected.isnan()
    same = (actual == expected) | ((actual.double() - expected).abs() <= bound)
    return bool((both | same).all())
