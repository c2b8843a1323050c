"""Each returned gradient against autograd's, element by element, within what rounding explains."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, partial

from torch import Tensor

from torch_reference.comparison import Row, Verdict, form_mismatch
from torch_reference.judging.calls.cuts import MANY, choices_of_rows, elements
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.calls.shifts import zeros
from torch_reference.judging.scalar_objective import (
    UPSTREAM,
    FunctionObjective,
    Objective,
    Tensors,
    reference_gradients,
)
from torch_reference.tolerance.agreeing_rows import near_row
from torch_reference.tolerance.differences import coarsest
from torch_reference.tolerance.meant import allowances, tolerance_at
from torch_reference.tolerance.own_code.in_float64 import Derive
from torch_reference.tolerance.own_code.own_rows import OwnRows
from torch_reference.tolerance.own_code.returned import Again
from torch_reference.tolerance.own_code.second_run import OwnCode, by_own_code
from torch_reference.tolerance.rounding.exact_run import exactly, widened_inputs
from torch_reference.tolerance.rows.by_rows import rows_by_parts
from torch_reference.tolerance.rows.whole import Allowed
from torch_reference.tolerance.verdicts import Tolerance

FORM = {
    Verdict.MISSING,
    Verdict.EXTRA,
    Verdict.WRONG_SHAPE,
    Verdict.WRONG_DTYPE,
    Verdict.WRONG_DEVICE,
}
"""What is wrong before any number is looked at."""

EXPLAINED = {Verdict.LOSES_DIGITS, Verdict.INCONCLUSIVE}
"""What is no mistake of the calculus, and explains itself."""


class Evidence:
    """What is known of an objective's gradients at one point: made once, however often one judges by it."""

    def __init__(
        self,
        objective: Objective,
        point: Tensors,
        names: Mapping[str, Sequence[int]],
        cuts: Sequence[str] = (),
        outputs: Collection[str] = (),
    ) -> None:
        """Nothing is evaluated before something is judged.

        Shapes: names maps each name to the shape that its gradient must have; its dtype is that of what it
                belongs to; outputs are judged besides
        """
        self.objective, self.point, self.names, self.cuts = objective, point, names, cuts
        self.outputs, self.refuted = outputs, set[str]()
        self.is_function = isinstance(objective, FunctionObjective) and not cuts
        self.upstream = tuple(name for name in point if self.is_function and name.startswith(UPSTREAM))

    @cached_property
    def _tolerance(self) -> Tolerance:
        # A closure over self would keep all of this in memory until Python looks for what keeps itself.
        objective, names, cuts, outputs = self.objective, self.names, self.cuts, self.outputs

        def reference(values: Tensors) -> Tensors:
            return reference_gradients(objective, values, names, cuts, outputs=outputs)

        found = tolerance_at(objective, tuple(cuts), (*outputs, *names), reference, self.point)
        found.movement.upstream = self.upstream
        # A difference quotient raises an error at a kink, and costs as much for each of its sides.
        found.is_smooth = getattr(getattr(objective, "function", None), "finds_kinks", False)
        return found

    def rows(
        self,
        manual: Tensors,
        fewest: int = 4,
        coarsely: bool = False,
        outputs: Tensors | None = None,
        derive: Derive | None = None,
    ) -> dict[str, Row]:
        """One row for each name: the manual gradient against the reference in float64, within the bound.

        What the check allows besides (meant.py) is allowed; outputs have the right form; derive makes them.
        """
        form = {name: zeros(self.point, name, ()).expand(tuple(shape)) for name, shape in self.names.items()}
        rows = {name: _form(name, manual.get(name), right) for name, right in form.items()}
        # Only what has the right form has elements that can be compared.
        comparable = {name: manual[name] for name in self.names if rows[name].verdict not in FORM}
        if not comparable and not outputs:
            return rows
        meant = allowances()
        allowed = Allowed(fewest, meant.rtol, meant.accept, self.upstream)
        by_parts = None if coarsely else self._by_parts({**(outputs or {}), **comparable}, allowed, derive)
        if by_parts is not None:
            return rows | by_parts
        # Of few numbers what lies between the sides at the very point agrees, whatever it is beside it.
        derive = derive if elements(self.point) > MANY else None
        judged = partial(self._tolerance.rows, rtol=meant.rtol, accept=meant.accept, coarsely=coarsely)
        if outputs:
            rows |= judged(outputs, fewest, blunt=False, derive=derive)
        # Whoever looks coarsely takes what is inconclusive for what agrees.
        return rows | judged(comparable, fewest, blunt=not coarsely, derive=derive)

    def looked_at_again(
        self,
        rows: dict[str, Row],
        manual: Tensors,
        again: Again,
        derive: Derive | None,
        anywhere: bool,
    ) -> dict[str, Row]:
        """The rows, with what the own roundings of the code explain, and what its formula does not.

        Of what was judged by rows a part of these has told it.
        """
        asked = {*self.names, *self.outputs} - self.refuted
        own = {name: value for name, value in manual.items() if name in asked}
        is_large, found = elements(self.point) > MANY, lambda: self._tolerance
        return by_own_code(rows, own, coarsest(self.point), found, OwnCode(again, derive), is_large, anywhere)

    def _by_parts(self, manual: Tensors, allowed: Allowed, derive: Derive | None) -> dict[str, Row] | None:
        """The rows where the point is large and has rows of its own: judged a few at a time."""
        if not self.is_function:
            return None

        def reference(values: Tensors) -> Tensors:
            shapes = {name: tuple(values[name].shape) for name in manual if name in self.names}
            return reference_gradients(self.objective, values, shapes, outputs=self.outputs)

        choices = partial(choices_of_rows, self.point, manual)
        own = OwnRows(derive, allowed.accept) if derive else None
        found = rows_by_parts(reference, self.point, choices, manual, allowed, self.outputs, own)
        self.refuted = own.refuted if own else set()
        return found


def are_near(
    manual: Tensors,
    objective: Objective,
    point: Tensors,
    outputs: Tensors,
    roughly: Mapping[str, float] | None = None,
) -> bool:
    """Whether gradients and outputs agree for who looks coarsely, without a look at what moves them.

    Or roughly, beside such sizes of those that have one (near_row). The reference is run on float64 numbers,
    in whatever dtypes it names itself, where it takes them.

    Shapes: the outputs are those that have an upstream gradient at the point, and whose form that has
    """
    form = {**{UPSTREAM + name: value for name, value in outputs.items()}, **manual}
    if any(form_mismatch(name, value, point[name]) for name, value in form.items()):
        return False
    names = {name: tuple(value.shape) for name, value in manual.items()}
    reference = partial(reference_gradients, objective, names=names, outputs=tuple(outputs))
    try:
        right = reference(widened_inputs(dict(point)))
    except UserCodeError:  # beside numbers of its own in a coarser dtype
        right = exactly(reference, point)
    made = {**outputs, **manual}
    sizes = dict.fromkeys(made) if roughly is None else {name: roughly.get(name, 0.0) for name in made}
    return all(near_row(name, value, right[name], sizes[name]) for name, value in made.items())


def judge(
    manual: Tensors,
    objective: Objective,
    point: Tensors,
    names: Mapping[str, Sequence[int]],
    cuts: Sequence[str] = (),
    fewest: int = 4,
    coarsely: bool = False,
    outputs: Tensors | None = None,
    again: Again | None = None,
    derive: Derive | None = None,
    refuted: Collection[str] = (),
) -> dict[str, Row]:
    """The rows of an Evidence that is asked once.

    again makes what is judged anew, where that can be, and derive that of other numbers; own roundings are
    known not to explain what is refuted.
    """
    evidence = Evidence(objective, point, names, cuts, tuple(outputs or ()))
    rows = evidence.rows(manual, fewest, coarsely, outputs, derive)
    evidence.refuted |= {*refuted}
    asked = {**(outputs or {}), **manual}
    return evidence.looked_at_again(rows, asked, again, derive, anywhere=coarsely) if again else rows


def _form(name: str, manual: Tensor | None, right: Tensor) -> Row:
    if manual is None:
        return Row(name, Verdict.MISSING, explanation="the derivation returned no gradient of this name")
    return form_mismatch(name, manual, right) or Row(name, Verdict.AGREES)
