"""What the code that is judged says of its numbers where it runs again: its roundings, its own formula."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.meant import allowances
from torch_reference.tolerance.movement import Tensors
from torch_reference.tolerance.own_code.in_float64 import Derive, of_right_formula
from torch_reference.tolerance.own_code.own_formula import Again, by_formula, in_question
from torch_reference.tolerance.own_code.own_roundings import forgiven
from torch_reference.tolerance.rounding.roundings import HALF
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

    Of a large point no more is evaluated than is asked for, the tolerance neither; what differs there has
    roundings of its own where its formula is right in float64.

    Shapes: manual are the numbers that were judged, by name; coarsest is that of their inputs
    """
    meant = allowances()
    differing = [name for name in manual if name in rows and rows[name].verdict is Verdict.DIFFERS]
    if differing and is_large:
        narrow = code.derive if coarsest in HALF else None
        differing = of_right_formula(differing, tolerance().movement, narrow) if narrow else []
    if differing:
        asked = {name: manual[name] for name in differing}
        rows = forgiven(rows, asked, tolerance().movement, code.again, meant.accept, anywhere)
    names = in_question(rows, manual, coarsest) if code.derive else []
    if not names or code.derive is None:
        return rows
    asked, allowed = {name: manual[name] for name in names}, (meant.rtol, meant.accept)
    return by_formula(rows, asked, tolerance(), code.again, code.derive, *allowed, of_outputs=of_outputs)
