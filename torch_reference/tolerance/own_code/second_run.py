"""What the code that is judged says of its numbers where it runs again: its roundings, its own formula."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.meant import allowances
from torch_reference.tolerance.movement import Tensors
from torch_reference.tolerance.own_code.in_float64 import Derive, of_right_formula
from torch_reference.tolerance.own_code.own_draws import FEW
from torch_reference.tolerance.own_code.own_formula import by_formula, in_question
from torch_reference.tolerance.own_code.own_roundings import NEAR, forgiven
from torch_reference.tolerance.own_code.returned import Again
from torch_reference.tolerance.rounding.roundings import HALF, unit
from torch_reference.tolerance.verdicts import Tolerance


class OwnCode(NamedTuple):
    """again() makes anew what was judged; derive() makes that of other inputs, where it can."""

    again: Again
    derive: Derive | None = None


def by_own_code(
    rows: dict[str, Row],
    manual: Tensors,
    coarsest: torch.dtype,
    tolerance: Callable[[], Tolerance],
    code: OwnCode,
    is_large: bool,
    anywhere: bool = False,
    of_outputs: bool = False,
) -> dict[str, Row]:
    """The rows, with what the own roundings of the code explain, and what its formula does not.

    Of a large point no more is evaluated than is asked for, the tolerance neither.

    Shapes: manual are the numbers that were judged, by name; coarsest is that of their inputs
    """
    meant = allowances()
    differing = [name for name in manual if name in rows and rows[name].verdict is Verdict.DIFFERS]
    if differing and is_large:
        differing = _asked_of_many(differing, rows, manual, coarsest, tolerance, code)
    if differing:
        asked = {name: manual[name] for name in differing}
        kinks = _at_kinks(asked, tolerance())
        asked, again = _beside_kinks(asked, kinks), lambda: _beside_kinks(code.again(), kinks)
        rows = forgiven(rows, asked, tolerance().movement, again, meant.accept, anywhere, code.derive)
    names = in_question(rows, manual, coarsest) if code.derive and not anywhere else []
    if not names or code.derive is None:
        return rows
    asked, allowed = {name: manual[name] for name in names}, (meant.rtol, meant.accept)
    return by_formula(rows, asked, tolerance(), code.again, code.derive, *allowed, of_outputs=of_outputs)


def _asked_of_many(
    differing: list[str],
    rows: dict[str, Row],
    manual: Tensors,
    coarsest: torch.dtype,
    tolerance: Callable[[], Tolerance],
    code: OwnCode,
) -> list[str]:
    """Those of a large point whose own roundings are worth so many runs: few mistakes are so small.

    Of what is off by more it is asked first whether it is right in float64, where it is of another precision.
    """
    near = [name for name in differing if coarsest not in HALF and _is_near(rows[name], manual[name])]
    lost = [name for name in differing if name not in near]
    if lost and code.derive and coarsest != torch.float64:
        kinks = _at_kinks({name: manual[name] for name in lost}, tolerance())
        near += of_right_formula(lost, tolerance().movement, code.derive, kinks)
    if near:
        tolerance().movement.at_least(FEW)
    return near


def _at_kinks(manual: Tensors, tolerance: Tolerance) -> dict[str, Tensor]:
    """How far the reference is from the side that is nearest to each; 0 where that is the reference's own."""
    found = {}
    for name, value in manual.items():
        off = value.to(tolerance.movement.expected[name].dtype) - tolerance.besides.get(name, value)
        off = torch.where(off.abs() > unit(value.dtype) * value.abs(), off, 0.0)
        if bool(off.any()):
            found[name] = off
    return found


def _beside_kinks(values: Tensors, kinks: Tensors) -> dict[str, Tensor]:
    """The values as if all were on the side of the reference."""
    return {
        name: torch.where(kinks[name] == 0, value, (value - kinks[name]).to(value.dtype))
        if name in kinks
        else value
        for name, value in values.items()
    }


def _is_near(row: Row, value: Tensor) -> bool:
    """Whether the element shown, or the sum, is off by a few roundings of the largest, or of all."""
    size = value.abs().sum() if row.part else value.abs().amax()
    return row.difference is not None and row.difference <= NEAR * unit(value.dtype) * float(size)
