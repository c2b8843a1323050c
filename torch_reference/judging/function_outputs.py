"""The outputs of a function's forward pass, each within what rounding explains."""

import math
from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict, compare, form_mismatch
from torch_reference.judging.calls.cuts import MANY, choices_of_rows, elements
from torch_reference.judging.calls.nests import has_memory, is_numeric_array, named_leaves, tensors_of
from torch_reference.judging.calls.points import UPSTREAM, Tensors, quiet_call, usable
from torch_reference.judging.calls.really import is_a, is_tensor
from torch_reference.judging.function_objective import FunctionObjective
from torch_reference.judging.report import Finding, breach
from torch_reference.tolerance.agreeing_rows import SPARE
from torch_reference.tolerance.differences import coarsest, is_number
from torch_reference.tolerance.meant import allowances, tolerance_at
from torch_reference.tolerance.own_code.own_rows import OwnRows
from torch_reference.tolerance.own_code.second_run import OwnCode, by_own_code
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.whole import Allowed

Again = Callable[[], Mapping[str, Any]]
Derive = Callable[[Tensors], Mapping[str, Any]]


def judge_outputs(
    made: Mapping[str, Any],
    objective: FunctionObjective,
    point: Tensors,
    coarsely: bool = False,
    again: Again | None = None,
    wanted: Collection[str] = (),
    derive: Derive | None = None,
) -> list[Finding]:
    """Compare every output, by name, with the reference's.

    again makes them anew, where that can be, and derive those of other inputs.

    Shapes: the inputs are those of the point, and those require a gradient whose gradient is wanted: a layer
            may ask. Complex outputs are real pairs. What is no tensor must be equal.
    """
    inputs = {name: value for name, value in point.items() if not name.startswith(UPSTREAM)}

    def of_reference(values: Tensors) -> dict[str, Any]:
        values = {name: usable(one).requires_grad_(name in wanted) for name, one in values.items()}
        return named_leaves(objective.outputs(values), "outputs")

    with quiet_call():
        right = of_reference(inputs)
    made = {name: _as_number(value, right.get(name)) for name, value in made.items()}
    tensors, own = _detached(made), _detached(right)

    def expected_outputs(values: Tensors) -> dict[str, Tensor]:
        return _detached(of_reference(values))

    of_tensors = {name for name in right if _is_tensor(right[name])}
    left = [name for name in dict.fromkeys((*right, *made)) if name not in of_tensors]
    left = [name for name in left if name in right or not _is_tensor(made[name])]
    others = [_other(name, right.get(name), made.get(name)) for name in left]
    rows = {}
    if of_tensors:
        asked = objective, ("outputs", *wanted)
        rows = _judge(tensors, own, expected_outputs, inputs, of_tensors, asked, coarsely, again, derive)
    return [*(Finding(name, "output", row) for name, row in rows.items()), *filter(None, others)]


def fit_beside_gradients(
    made: Mapping[str, Any], objective: FunctionObjective, point: Tensors, as_given: bool
) -> dict[str, Tensor]:
    """The outputs, where all are of digits to spare and of the right form; else none.

    Those are judged in the same draws as the gradients are: of whatever else something is to be said first.
    """
    forms = (objective.forms or {}) if coarsest(point) in SPARE else {}
    if not as_given:
        forms = {name: point[UPSTREAM + name] for name in forms if UPSTREAM + name in point}
    fit = {
        name: value.detach()
        for name, value in made.items()
        if is_tensor(value) and name in forms and value.layout == torch.strided
        if has_memory(value) and not value._is_zerotensor()
        if value.dtype in SPARE and value.numel() and form_mismatch(name, value, forms[name]) is None
    }
    return fit if fit.keys() == (objective.forms or {}).keys() == made.keys() else {}


def has_another_form(finding: Finding) -> bool:
    """Whether an output cannot take the upstream gradient of the reference's."""
    return not finding.agrees and finding.row.manual is None and not finding.is_breach


def _judge(
    actual: Tensors,
    own: Tensors,
    expected_outputs: Any,
    inputs: Tensors,
    of_tensors: set[str],
    asked: tuple[FunctionObjective, tuple[str, ...]],
    coarsely: bool,
    again: Again | None,
    derive: Derive | None,
) -> dict[str, Row]:
    # Only numbers of the right form round; an index or a mask must be equal.
    rounded = [
        name
        for name, value in own.items()
        if name in actual and is_number(value) and value.numel()
        if form_mismatch(name, actual[name], value) is None
    ]
    exact = {name: value for name, value in own.items() if name not in rounded}
    others = {name: value for name, value in actual.items() if name not in rounded}
    no_bounds = {name: torch.zeros_like(value, dtype=torch.float64) for name, value in exact.items()}
    rows = {row.name: row for row in compare(others, exact, no_bounds)}
    rows = {name: row for name, row in rows.items() if name in of_tensors or name in actual}

    def rounded_outputs(values: Tensors) -> dict[str, Tensor]:
        found = expected_outputs(values)
        return {name: found[name] for name in rounded}

    if not rounded:
        return rows
    values = {name: actual[name] for name in rounded}
    meant = allowances()
    allowed, choices = Allowed(rtol=meant.rtol, accept=meant.accept), partial(choices_of_rows, inputs, values)
    made_anew, by_parts = partial(_made, derive) if derive else None, None
    by_code = OwnRows(made_anew, meant.accept) if made_anew else None
    if not coarsely:
        by_parts = rows_by_parts(rounded_outputs, inputs, choices, values, allowed, rounded, by_code)
    tolerance = cache(partial(tolerance_at, *asked, rounded, rounded_outputs, inputs))
    found = by_parts or tolerance().rows(
        values, allowed.fewest, allowed.rtol, allowed.accept, blunt=False, coarsely=coarsely
    )
    if again is None:
        return rows | found
    code = OwnCode(partial(_tensors, again), made_anew)
    kind = (coarsest(inputs), tolerance, code, elements(inputs) > MANY, coarsely)
    values = {name: value for name, value in values.items() if not by_code or name not in by_code.refuted}
    return rows | by_own_code(found, values, *kind, of_outputs=True)


def _detached(leaves: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors: what a module, or a closure, holds may require a gradient where no input does."""
    return {name: value.detach() for name, value in tensors_of(leaves).items()}


def _tensors(again: Again) -> dict[str, Tensor]:
    return _detached(again())


def _made(derive: Derive, values: Tensors) -> dict[str, Tensor]:
    return _detached(derive(values))


def _other(name: str, right: Any, made: Any) -> Finding | None:
    """A finding where what is no tensor is not equal; a float is as exact as half of its digits."""
    try:
        if is_a(right, float) and is_a(made, (int, float)):
            same = math.isclose(right, made, rel_tol=1e-7) or (math.isnan(right) and math.isnan(made))
        else:
            # Two objects without an equality of their own are never equal: nothing can be said of them.
            kind: Any = type(right)
            is_equal = kind.__eq__ is object.__eq__ or bool(right == made)
            same = type(right) is type(made) and is_equal
    except OverflowError:  # an integer that no float is near
        same = False
    except Exception:  # what is compared is the user's: nothing can be said of it, but by its type
        same = type(right) is type(made)
    if same:
        return None
    return breach(name, "output", Verdict.DIFFERS, f"expected {_short(right)}, found {_short(made)}")


def _as_number(made: Any, right: Any) -> Any:
    """A Python float as the tensor of one number that the reference returns."""
    if not is_a(made, float) or not is_tensor(right):
        return made
    return torch.tensor(made, dtype=torch.float64, device="cpu").to(right)


def _short(value: Any) -> str:
    if _is_tensor(value):
        return f"a tensor of shape {tuple(value.shape)}"
    try:
        return value if is_a(value, str) else repr(value)[:60]
    except Exception:  # the object is the user's
        return f"an object of {type(value).__name__}"


def _is_tensor(value: Any) -> bool:
    return is_tensor(value) or is_numeric_array(value)
