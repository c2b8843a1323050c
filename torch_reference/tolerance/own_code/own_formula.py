"""What the formula of the code that is judged gives without its roundings: the mistakes that 16 bits hide.

A factor of 1.01 in all of a gradient, or of 1.06 in an element, is a few roundings of bfloat16, and less than
what rounding explains where the reference cancels, or saves a rounded result as logsumexp does. It is no
rounding of the code's, though, and in float64 it is all that is left. So what agrees or loses digits in 16
bits, and what is inconclusive or without a bound, runs once more with all of its operations in float64,
whatever dtypes it names, and is compared with the exact gradient.

Not refused is what an author may do in 16 bits: a constant that is rounded to them, a series that is as good,
which are off by a rounding or two of the terms; and, where the code has numbers of its own in 16 bits, as a
table of cosines, what is off everywhere and at random. What was returned must be what that formula gives,
rounded: code that does something else in float64 says nothing of itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict, compare
from torch_reference.tolerance.kinks.hulls import AT_LEAST, hull_of_elements
from torch_reference.tolerance.kinks.towards import hulls_towards
from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.own_code.approximations import is_everywhere, looks_like_roundings
from torch_reference.tolerance.own_code.in_float64 import Derive, Exact, in_float64, noise_of_float64, numbers
from torch_reference.tolerance.own_code.returned import Again, that_were_returned
from torch_reference.tolerance.rounding.roundings import HALF, unit
from torch_reference.tolerance.second_look import sizes_of_terms
from torch_reference.tolerance.verdicts import INCONCLUSIVE, Tolerance

NARROW = (*HALF, torch.float32)
OF_ROUNDING = (Verdict.AGREES, Verdict.LOSES_DIGITS)
IN_FLOAT32 = 2.0**-18
"""A rounding of float32, 64 times."""
ROUNDINGS = 2.0
"""So many u of its terms each element may be off: a constant in 16 bits and one other."""
OTHERWISE = (
    "its formula is another: with its operations in float64 it gives the number shown here, off by more than "
    "two roundings of what is added up to it, whatever rounding explains in this precision"
)
BY_ITS_FORMULA = (
    "rounding explains so much here that it proves nothing, but with its operations in float64 its formula "
    "is that of the reference"
)
AS_SMALL = (
    "within rounding, but with its operations in float64 its formula gives the number shown here, off by no "
    "constant in 16 bits: an approximation that is as good as this precision, or a mistake that is as small; "
    "compare in a higher precision"
)
OF_FORMULA = (OTHERWISE, AS_SMALL)


def by_formula(
    rows: Mapping[str, Row],
    manual: Tensors,
    tolerance: Tolerance,
    again: Again,
    derive: Derive,
    rtol: float = 0.0,
    accept: Collection[str] = (),
    of_outputs: bool = False,
) -> dict[str, Row]:
    """The rows: what rounding explains in 16 bits, or is open, is what its formula is, where that is known.

    Shapes: manual are the gradients in question, or the outputs, by name; again() makes them anew, and
            derive() those of other inputs: of the same ones in float64
    """
    movement = tolerance.movement
    exact = in_float64([*manual], movement, derive)
    further = [
        name
        for name, value in exact.found.items()
        if _is_open(rows[name]) or not _row(movement, name, value, exact.right[name], rtol).agrees
    ]
    told = {}
    for name in that_were_returned(further, exact, manual, movement, again, derive) if further else ():
        row = _looked_at(tolerance, name, exact, derive, rtol, of_outputs)
        if row is not None and row.verdict is Verdict.DIFFERS:
            told[name] = replace(row, explanation=OTHERWISE)
        elif row is not None and row.verdict is Verdict.INCONCLUSIVE and rows[name].agrees:
            told[name] = rows[name] if Verdict.INCONCLUSIVE.value in accept else row
        elif row is not None and row.agrees and _is_open(rows[name]):
            told[name] = replace(rows[name], verdict=Verdict.AGREES, explanation=BY_ITS_FORMULA)
    return {**rows, **told}


def in_question(rows: Mapping[str, Row], manual: Tensors, coarsest: torch.dtype) -> list[str]:
    """The names of the gradients whose formula may tell what rounding does not; coarsest is the inputs'."""
    return [
        name
        for name, value in manual.items()
        if name in rows and value.numel()
        if (rows[name].verdict in OF_ROUNDING and (coarsest in HALF or value.dtype in HALF))
        or (_is_open(rows[name]) and value.dtype in NARROW)
    ]


def _is_open(row: Row) -> bool:
    """Whether the tolerance says nothing of it."""
    return row.verdict is Verdict.NO_BOUND or row.explanation == INCONCLUSIVE


def _row(
    movement: Movement,
    name: str,
    value: Tensor,
    right: Tensor,
    rtol: float,
    terms: Tensor | None = None,
    noise: float | Tensor = 0.0,
) -> Row:
    """What the formula gives against what is right, within two roundings of itself or of its terms."""
    size = right.abs()
    rounding = max(map(unit, (movement.coarsest, movement.dtypes[name])))
    allowed = (size if terms is None else terms) * ROUNDINGS * rounding + rtol * size + noise
    return compare({name: value}, {name: right}, {name: allowed})[0]


def _looked_at(
    tolerance: Tolerance, name: str, exact: Exact, derive: Derive, rtol: float, of_outputs: bool
) -> Row | None:
    """The row of what the formula gives; None where nothing can be said of it.

    The terms may be larger than what they add up to, and a kink has sides. What 1 − x² does to the roundings
    of x² is none of it: no element's terms count as larger than the largest element.
    """
    movement, value, right = tolerance.movement, exact.found[name], exact.right[name]
    if (row := _row(movement, name, value, right, rtol)).agrees:
        return row
    if exact.has_tables and looks_like_roundings(value - right, right):
        return None
    try:
        noise = noise_of_float64([name], exact, movement, derive)[name]
    except Exception:  # it is the user's code
        return None
    if exact.is_unseen:
        noise = noise + IN_FLOAT32 * float(right.abs().amax())
    right = _nearest_side(tolerance, name, value, right)
    if (row := _row(movement, name, value, right, rtol, noise=noise)).agrees:
        return row
    size = right.abs()

    def within(of_constants: bool) -> Row:
        terms = sizes_of_terms(movement, name, of_constants, of_outputs).clamp(max=size.amax())
        return _row(movement, name, value, right, rtol, torch.maximum(size, terms), noise)

    row = within(of_constants=False)
    if not row.agrees or exact.has_tables:
        return row
    moves = sizes_of_terms(movement, name, True, of_outputs) > 0
    if is_everywhere((value - right)[moves], noise[moves]) and (constant := within(of_constants=True)).agrees:
        return constant
    return replace(row, verdict=Verdict.INCONCLUSIVE, explanation=AS_SMALL)


def _nearest_side(tolerance: Tolerance, name: str, value: Tensor, right: Tensor) -> Tensor:
    """What is right that is nearest to the value: at a kink there is a choice."""
    if not (tolerance.sides.first or tolerance.sides.every):
        return right
    # Of what 16 bits leave open most is decided in float64: there a kink is where numbers are equal.
    exactly = tolerance.sides.exactly
    for few in exactly.few():
        elements = hull_of_elements(exactly.movement, few, name, AT_LEAST)
        if elements.reaches(value):
            break
    else:
        if not exactly.every:
            return right
        elements, _ = hulls_towards(exactly.movement, exactly.every, name, value)
    return numbers(elements.nearest(value), tolerance.movement.expected[name])
