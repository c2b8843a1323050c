"""Each returned gradient against autograd's, element by element, within what rounding explains."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch

from torch_reference.compare import Row, Verdict, compare
from torch_reference.objective import (
    UPSTREAM,
    VALUE,
    NetworkObjective,
    Objective,
    Tensors,
    reference_gradients,
)
from torch_reference.sensitivity import branches, growing_bounds, run_still

HOPELESS = 1e3
"""A difference of so many bounds after four draws: the bound is the largest of the draws' movements, each of
which is below a thousandth of its standard deviation with a probability below 1e-3, all four below 1e-12."""

FORM = {
    Verdict.MISSING,
    Verdict.EXTRA,
    Verdict.WRONG_SHAPE,
    Verdict.WRONG_DTYPE,
    Verdict.WRONG_DEVICE,
}
"""What is wrong before any number is looked at."""


def judge(
    manual: Tensors,
    objective: Objective,
    point: Tensors,
    names: Mapping[str, Sequence[int]],
    cuts: Sequence[str] = (),
) -> dict[str, Row]:
    """One row per name: the manual gradient against the reference in float64, within the bound.

    The bounds grow from draw to draw (sensitivity.py), so that a right derivation is done after one.

    Shapes: names maps each name to the shape that its gradient must have; the dtype is the point's
    """
    like = next(value for value in point.values() if value.is_floating_point())
    form = {name: like.new_zeros(tuple(shape)) for name, shape in names.items()}
    rows = {row.name: row for row in compare(manual, form, form)}
    # Only what has the right form has elements that can be compared.
    comparable = {name: shape for name, shape in names.items() if rows[name].verdict not in FORM}
    if not comparable:
        return rows

    def reference(values: Tensors) -> Tensors:
        return reference_gradients(objective, values, comparable, cuts)

    actual = {name: manual[name].double() for name in comparable}
    still = run_still(reference, point)
    for draw, (expected, bounds) in enumerate(growing_bounds(reference, point, still=still), start=1):
        found = compare(actual, expected, bounds)
        if all(row.agrees or _is_hopeless(row, draw) for row in found):
            break
    else:
        # Where a kink is within rounding, either side of it is right.
        for turned in branches(reference, still):
            expected = {
                name: torch.where((actual[name] - turned[name]).abs() <= bounds[name], turned[name], value)
                for name, value in expected.items()
            }
        found = compare(actual, expected, bounds)
    return rows | {row.name: row for row in found}


def _is_hopeless(row: Row, draws: int) -> bool:
    """Whether no further draw can be expected to excuse the row."""
    return draws >= 4 and (row.ratio is None or not row.ratio <= HOPELESS)


def roundings(row: Row, dtype: torch.dtype) -> float | None:
    """The difference at the worst element, in roundings: units of eps / 2 of the reference's value."""
    if row.difference is None or row.reference is None:
        return None
    info = torch.finfo(dtype)
    return row.difference / max(info.eps / 2 * abs(row.reference), info.tiny * info.eps)


def who_is_wrong(
    objective: Objective, point: Tensors, row: Row, names: Mapping[str, Sequence[int]], cuts: Sequence[str]
) -> str:
    """Name the witness that is wrong at the row's worst element: "yours", "PyTorch's" or "undecided".

    A difference quotient of the forward pass in float64, which knows no derivative, takes sides. Its own
    error is the distance of two extrapolations; it decides where that is below a quarter of the dispute.

    Formula: (4 D(h/2) − D(h)) / 3 with D(h) = (f(h) − f(−h)) / 2h (Richardson)
    """
    if row.manual is None or row.reference is None or row.difference is None:
        return "yours"
    own = reference_gradients(objective, point, names, cuts)[row.name].double()[row.index].item()
    exact = {name: value.double() if value.is_floating_point() else value for name, value in point.items()}
    if isinstance(objective, NetworkObjective) and cuts:
        outputs = objective.outputs(exact)
        exact |= {VALUE + name: outputs[name][1] for name in cuts}
    shifts = {name: torch.zeros_like(exact[UPSTREAM + name]) for name in cuts}
    shifts[row.name] = torch.zeros(tuple(names[row.name]), dtype=torch.float64, device=_device(exact))

    def quotient(step: float) -> float:
        values = []
        for signed in (step, -step):
            moved = shifts[row.name].clone()
            moved[row.index] = signed
            with torch.no_grad():
                values.append(objective(exact, {**shifts, row.name: moved}, cuts).item())
        return (values[0] - values[1]) / (2 * step)

    slopes = [quotient(step) for step in (4e-3, 2e-3, 1e-3)]
    extrapolated = [(4 * fine - coarse) / 3 for coarse, fine in pairwise(slopes)]
    exactly, error = extrapolated[1], abs(extrapolated[1] - extrapolated[0])
    manual_off, autograd_off = abs(row.manual - exactly), abs(own - exactly)
    if not error < abs(manual_off - autograd_off) / 4:
        return "undecided"
    return "yours" if manual_off > autograd_off else "PyTorch's"


def _device(point: Tensors) -> torch.device:
    return next(iter(point.values())).device
