"""One choice of what has rows: the sample first, then what it leaves, a part of the rows at a time."""

from collections.abc import Iterable

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.movement import DRAWS as ALL
from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.own_code.own_rows import OwnMovement
from torch_reference.tolerance.rows.added_up import AddedUp, NotByRowsError, added_up, is_same
from torch_reference.tolerance.rows.least import COPIES
from torch_reference.tolerance.rows.others import Others, by_sample, takes_a_sample
from torch_reference.tolerance.rows.part import all_rows, is_wrong_in_many, soon_settled
from torch_reference.tolerance.rows.placing import as_alone, placed, some, times, together
from torch_reference.tolerance.rows.whole import Whole
from torch_reference.tolerance.unfinished import are_decided
from torch_reference.tolerance.verdicts import Tolerance

PART = 2**22
"""So many bytes of the point belong to one part."""
FIRST, SAMPLE = 16, 2**13
"""The first part is so many times smaller, and no result has more numbers there."""
OF_ROUNDING = (Verdict.AGREES, Verdict.LOSES_DIGITS, Verdict.DIFFERS)


class Judgement:
    """One choice of what has rows."""

    def __init__(self, whole: Whole) -> None:
        self.whole, self.shared = whole, whole.shared
        self.found: dict[str, list[Row]] = {}
        self.left: dict[tuple[str, ...], list[Tensor]] = {}
        # The parts may add up to the whole, or it may be their mean: one of the two remains.
        self.sums = {
            is_mean: AddedUp(self.shared, whole.results, whole.rows.number) for is_mean in (False, True)
        }

    def of(self, actual: Tensors, may_sample: bool = True) -> dict[str, Row]:
        """One row for each of the actual values."""
        rows = self.whole.rows
        size, number = sum(self.whole.point[name].nbytes for name in rows.inputs), rows.number
        # Two parts at least: one would be the whole, and prove nothing.
        step = max(1, min(PART * number // max(size, 1), number // 2))
        most = max(self.whole.results[name].numel() for name in rows.results)
        few = max(min(2, step), min(step // FIRST, SAMPLE * number // max(most, 1)))
        first = torch.arange(few, device="cpu") * number // few
        if rows.shape:  # as many columns as rows
            first += torch.arange(few, device="cpu") % (number // few)
        names = [name for name in actual if name not in self.shared]
        found = self._by_sample(actual, first) if may_sample else None
        if found is None and rows.shape:
            raise NotByRowsError
        if found is None:  # what is wrong everywhere is found so in few rows, and others need not prove it
            self._part(actual, first, names)
            found = self._by_own_sample(actual, first) if may_sample else None
        known = [row for name in names for row in self.found.get(name, ())]
        wrong = [row.name for row in known if is_wrong_in_many(row, self.whole)]
        if found is None and may_sample and 0 < len(wrong) < len(names):
            right = {name: value for name, value in actual.items() if name not in wrong}
            found = self._by_sample(right, first, {name: actual[name] for name in wrong})
        beside = [name for name in names if name not in wrong] if found else names
        others = torch.ones(number, dtype=torch.bool, device="cpu").index_fill_(0, first, False)
        others = others.nonzero().flatten()
        for here in (found.left if found else others).split(step):  # type: ignore[no-untyped-call]
            if len(here):
                self._part(actual, here, beside)
        slowly = [name for name in wrong if name not in found.beyond] if found else []
        for here in others.split(step) if slowly else ():  # type: ignore[no-untyped-call]
            self._part(actual, here, slowly, is_rest=True)
        for asked, left in tuple(self.left.items()):
            for here in torch.cat(left).split(step):  # type: ignore[no-untyped-call]
                self._part(actual, here, asked, is_rest=True)
        if found and not all(map(self._is_wrong, found.wrong)):
            return Judgement(self.whole).of(actual, may_sample=False)
        for name, row in {**found.of_rows, **found.beyond}.items() if found else ():
            self.found.setdefault(name, []).append(row)
        shared = found.shared if found else added_up(self.sums.values(), actual, self.whole)
        return {
            name: shared[name]
            if name in shared
            else together(self.found[name], self.whole.results[name].numel())
            for name in actual
        }

    def _is_wrong(self, name: str, everywhere: bool = False) -> bool:
        least = 0.5 if everywhere else 0.0
        return any(
            row.verdict is Verdict.DIFFERS and row.wrong_elements > least * row.elements
            for row in self.found.get(name, ())
        )

    def _by_sample(self, actual: Tensors, here: Tensor, known: Tensors | None = None) -> Others | None:
        """What copies of few rows say of all, and of what is known to be wrong."""
        if not takes_a_sample(self.whole, actual, here):
            return None
        copies, share = here.repeat(COPIES), COPIES * len(here) / self.whole.rows.number
        movement = OwnMovement(self.whole.reference, self.whole.some(copies))
        self._compare(movement, copies, share)
        weights = self._weights(share)
        if self.whole.own:
            alone = {name: as_alone(actual[name], copies, weights[name]) for name in actual.keys() & weights}
            self.whole.own.moves(movement, alone)
        return by_sample(self.whole, actual, movement, here, weights, known or {})

    def _by_own_sample(self, actual: Tensors, here: Tensor) -> Others | None:
        """The same where the code's own roundings have explained these rows, and may explain all."""
        own, weights = self.whole.own, self._weights(len(here) / self.whole.rows.number)
        asked = {name: (actual[name], self.whole.results[name]) for name in actual.keys() & weights}
        may = own and own.may_explain(asked, weights)
        return self._by_sample(actual, here) if may else None

    def _part(self, actual: Tensors, here: Tensor, names: Iterable[str], is_rest: bool = False) -> None:
        """Judge some rows; those that need many draws more are left for the rest."""
        movement = OwnMovement(self.whole.reference, self.whole.some(here))
        movement.squares = {name: torch.zeros_like(movement.expected[name]) for name in self.shared}
        share = len(here) / self.whole.rows.number
        self._compare(movement, here, share)
        weights = self._weights(share)
        asked = {name: as_alone(actual[name], here, weights[name]) for name in names}
        if self.whole.own:
            self.whole.own.moves(movement, asked)
        for name, row in self._judged(movement, asked, here, is_rest).items():
            if row.part or (row.verdict not in OF_ROUNDING and not row.agrees):
                raise NotByRowsError  # a sum, or the bluntness of all
            self.found.setdefault(name, []).append(placed(row, here, weights[name]))
        if self.shared and not is_rest:
            movement.at_least_a_pair(2)
            for is_mean, each in self.sums.items():
                each.add(movement, share if is_mean else 1.0)

    def _judged(self, movement: Movement, asked: Tensors, here: Tensor, is_rest: bool) -> dict[str, Row]:
        """The rows of a part; what is wrong in others need not be proved so with many draws."""
        tolerance = Tolerance(movement.reference, movement.inputs, movement)
        movement.upstream = self.whole.allowed.upstream
        wrong = {name: value for name, value in asked.items() if self._is_wrong(name, everywhere=True)}
        others = {name: value for name, value in asked.items() if name not in wrong}
        fewest = self.whole.allowed.fewest
        found, left = None, None
        if others and not is_rest:
            known = [row for name in others for row in self.found.get(name, ())]
            found, left = soon_settled(tolerance, self.whole, others, known)
        if left is not None and len(left):
            self.left.setdefault(tuple(others), []).append(here[left])
        if found is None:
            if not is_rest:
                wrong |= {name: others.pop(name) for name in tuple(others) if self._is_wrong(name)}
            found = all_rows(tolerance, self.whole, others, fewest)
        wrong_ones = {name: others[name] for name, row in found.items() if not row.agrees}
        if is_rest and not are_decided(movement, wrong_ones, self.whole.allowed.rtol):
            movement.at_least(ALL)  # of few rows it is known which elements are wrong
            found = all_rows(tolerance, self.whole, others, fewest)
        if self.whole.own:
            found = self.whole.own.look_at(found, others, movement, is_rest)
        return found | all_rows(tolerance, self.whole, wrong, 1, plainly=True)

    def _weights(self, share: float, is_mean: bool | None = None) -> dict[str, float]:
        """By what a part's results are multiplied: the gradients of a mean's part are larger than those."""
        is_mean = False not in self.sums if is_mean is None else is_mean
        gradients = set(self.whole.rows.results) - set(self.whole.outputs)
        return {name: share if is_mean and name in gradients else 1.0 for name in self.whole.rows.results}

    def _compare(self, movement: Movement, here: Tensor, share: float) -> None:
        """See that this part is what the whole is there."""
        for is_mean in tuple(self.sums):
            weights = self._weights(share, is_mean).items()
            parts = (times(weight, movement.expected[name]) for name, weight in weights)
            whole = (some(self.whole.results[name], here) for name, _ in weights)
            if not all(map(is_same, parts, whole)):
                del self.sums[is_mean]
        if not self.sums:
            raise NotByRowsError
