"""Whether the reference does the same in a way that a function fails: then the way says nothing of the two.

as_strided reads other numbers in another layout, and matrix_exp loses digits where its upstream gradient is
very large: who computes with them does so too.
"""

import cmath
from collections.abc import Callable, Iterable
from dataclasses import replace

from torch import Tensor

from torch_reference.check.calling import GraphFunction, called
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.comparison import Row
from torch_reference.judging.calls.raised_errors import UserCodeError, loses_the_device, without_place
from torch_reference.judging.finding import Finding
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.scalar_objective import Tensors
from torch_reference.judging.witness import who_is_wrong

SAME = 2**-10
"""Two numbers are the same mistake where they differ by less than this part of it."""
Way = Callable[[Session], Iterable[Attempt]]


def does_the_reference(
    session: Session,
    way: Way,
    attempt: Attempt,
    findings: list[Finding],
    tried: Callable[[Session, Attempt], tuple[str, list[Finding]]],
) -> bool:
    """Whether each finding is the reference's own, called so: at the same place, with the same number."""
    if any(loses_the_device(finding.row.explanation) for finding in findings):
        return False
    found = as_the_reference(session, way, attempt.what)
    rows = {other.name: other.row for other in tried(*found)[1]} if found else {}
    return all(each.name in rows and _is_the_same(each.row, rows[each.name]) for each in findings)


def is_wrong_itself(session: Session, attempt: Attempt, findings: list[Finding]) -> bool:
    """Whether the reference's gradient is not that of its own values there, as it was where it was given.

    torch.ldexp's is not at a negative integer, nor torch.polar's at a negative size: a third witness tells.
    """
    own = attempt.session or session
    objective = attempt.objective or own.objective
    if own.arguments is not session.arguments:
        return False  # an option may mean another gradient of the same values, as scale_grad_by_freq does
    if attempt.point is session.point or any(each.kind != "input" or each.row.part for each in findings):
        return False
    try:
        return all(
            _testimony(objective, each.row, attempt.point) == "PyTorch's" and _is_right(session, each.row)
            for each in findings
        )
    except Exception:  # the reference is the user's: it may have no value beside this point
        return False


def _testimony(objective: FunctionObjective, row: Row, point: Tensors) -> str:
    return who_is_wrong(objective, row, point, {row.name: tuple(point[row.name].shape)}, ())


def _is_right(session: Session, row: Row) -> bool:
    """Whether both are right at the given point; a surrogate's gradient is that of no values."""
    gradient = session.plain.gradients[row.name]
    index = row.index if _is_in(row.index, gradient) else (0,) * gradient.ndim
    value = gradient[index].item()
    here = replace(row, manual=value, index=index, bound=SAME * max(abs(value), row.difference or 0.0))
    return _testimony(session.objective, here, session.point) == "both within rounding"


def _is_in(index: tuple[int, ...], value: Tensor) -> bool:
    return len(index) == value.ndim and all(
        place < length for place, length in zip(index, value.shape, strict=True)
    )


def as_the_reference(session: Session, way: Way, what: str) -> tuple[Session, Attempt] | None:
    """(a session of the reference, its attempt in that way); None where no reference was given."""
    if session.reference is None:
        return None
    state = session.objective.rng_state if session.draws_numbers else None
    own = called(session.reference, session.arguments, state)
    if session.graph is not None and isinstance(own, GraphFunction):
        own = replace(own, on_leaves=session.graph.on_leaves)
    twin = replace(session, function=own)
    try:
        twin = replace(twin, plain=twin.first())
        found = next((each for each in way(twin) if each.what == what), None)
    except UserCodeError:
        return None
    return None if found is None else (twin, found)


def _is_the_same(row: Row, other: Row) -> bool:
    if row.verdict is not other.verdict or row.index != other.index or row.part != other.part:
        return False
    if row.manual is None or other.manual is None:
        return row.manual == other.manual and without_place(row.explanation) == without_place(
            other.explanation
        )
    if row.wrong_elements > 2 * other.wrong_elements:
        return False
    if not (cmath.isfinite(row.manual) and cmath.isfinite(other.manual)):
        return row.manual == other.manual or (cmath.isnan(row.manual) and cmath.isnan(other.manual))
    return abs(row.manual - other.manual) <= SAME * abs(row.difference or 0.0)
