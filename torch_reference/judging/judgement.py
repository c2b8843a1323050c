"""Each returned gradient against autograd's, element by element, within what rounding explains."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict, compare, form_mismatch
from torch_reference.judging.scalar_objective import Objective, Tensors, reference_gradients, zeros
from torch_reference.tolerance.sensitivity import branches, growing_bounds, run_still

FORM = {
    Verdict.MISSING,
    Verdict.EXTRA,
    Verdict.WRONG_SHAPE,
    Verdict.WRONG_DTYPE,
    Verdict.WRONG_DEVICE,
}
"""What is wrong before any number is looked at."""

BLUNT = (
    "agrees, but a wrong one might as well: rounding alone explains more than half of it; "
    "compare in a higher precision, or where less cancels"
)


def judge(
    manual: Tensors,
    objective: Objective,
    point: Tensors,
    names: Mapping[str, Sequence[int]],
    cuts: Sequence[str] = (),
    fewest: int = 4,
) -> dict[str, Row]:
    """One row per name: the manual gradient against the reference in float64, within the bound.

    The bounds grow from draw to draw (sensitivity.py), so that a right derivation is done after one, and a
    wrong one, whose row is to show a bound that means something, after the fewest draws.

    Shapes: names maps each name to the shape that its gradient must have; its dtype is that of what it
            belongs to
    """
    form = {name: zeros(point, name, shape) for name, shape in names.items()}
    rows = {name: _form(name, manual.get(name), right) for name, right in form.items()}
    # Only what has the right form has elements that can be compared.
    comparable = {name: shape for name, shape in names.items() if rows[name].verdict not in FORM}
    if not comparable:
        return rows

    def reference(values: Tensors) -> Tensors:
        return reference_gradients(objective, values, comparable, cuts)

    actual = {name: manual[name].double() for name in comparable}
    still = run_still(reference, point)
    for draw, (expected, bounds) in enumerate(growing_bounds(reference, point, still=still), start=1):
        certain = torch.inf if draw < fewest else 6.4 * 1e12 ** (1 / draw)
        if not any(_is_open(actual[name], expected[name], bounds[name], certain) for name in actual):
            break
    found = compare(actual, expected, bounds)
    if still.decisions and not all(row.agrees for row in found):
        for other_side in branches(reference, still):
            *_, (turned, wide) = growing_bounds(reference, point, still=other_side)
            # Where a kink is within rounding, either side of it is right.
            for name in actual:
                near = (actual[name] - turned[name]).abs() <= wide[name]
                expected[name] = torch.where(near, turned[name], expected[name])
                bounds[name] = torch.where(near, wide[name], bounds[name])
        found = compare(actual, expected, bounds)
    return rows | {row.name: _remarked(row, expected[row.name], bounds[row.name]) for row in found}


def _remarked(row: Row, expected: Tensor, bounds: Tensor) -> Row:
    """The row, with a remark where its agreement proves little.

    Where the bounds add up to more than half of the gradient, one of half the size may pass as well: where a
    gradient cancels, or is a long sum in bfloat16.
    """
    if row.agrees and bounds.sum() > expected.abs().sum() / 2:
        return replace(row, explanation=BLUNT)
    return row


def _form(name: str, manual: Tensor | None, right: Tensor) -> Row:
    if manual is None:
        return Row(name, Verdict.MISSING, explanation="the derivation returned no gradient of this name")
    return form_mismatch(name, manual, right) or Row(name, Verdict.AGREES)


def _is_open(manual: Tensor, expected: Tensor, bounds: Tensor, certain: float) -> bool:
    """Whether an element is outside its bound, but not by a ratio that makes it certain to stay there.

    The bound follows the largest of the draws' movements, which are normal: none of 16 exceeds 8 standard
    deviations. For a ratio to shrink to 1 yet, each of the draws so far was below 8 / ratio of them, which
    has a probability of (6.4 / ratio)^draws. It is below 1e-12 for a ratio above 6.4 · 1e12^(1 / draws).
    """
    ratio = (manual - expected).abs() / bounds
    return bool(((ratio > 1) & (ratio <= certain)).any())


def roundings(row: Row, dtype: torch.dtype) -> float | None:
    """The difference at the worst element, in roundings: units of eps / 2 of the reference's value."""
    if row.difference is None or row.reference is None:
        return None
    info = torch.finfo(dtype)
    return row.difference / max(info.eps / 2 * abs(row.reference), info.tiny * info.eps)
