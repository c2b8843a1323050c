"""What the code that is judged says of its roundings at some rows of a large point, which stand for all.

A part of the rows, in which numbers differ, is looked at as a small point is (own_roundings.py). Where the
code's own roundings explain these, they are movements of all other rows, as those of the reference are: each
draw there is one of either.
"""

import math
from collections.abc import Callable, Collection, Mapping
from functools import partial

import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.gradient_sums import sums
from torch_reference.tolerance.movement import Movement, Reference, Tensors
from torch_reference.tolerance.own_code.own_roundings import EXPLAINED, TOO_SLOW, forgiven, reach
from torch_reference.tolerance.own_code.own_run import own_run
from torch_reference.tolerance.rounding.roundings import unit

Derive = Callable[[Tensors], Mapping[str, Tensor]]


class OwnRows:
    """The code that is judged, at parts of a point.

    Attributes: explained, the names that its own roundings explain, and how far off each may be elsewhere;
                refuted, those that they do not
    """

    def __init__(self, derive: Derive, accept: Collection[str] = ()) -> None:
        """Nothing is run yet; derive makes what is judged anew, at any point."""
        self.derive, self.accept = derive, accept
        self.explained, self.refuted = dict[str, float](), set[str]()

    def moves(self, movement: "OwnMovement", actual: Tensors) -> None:
        """Let roundings of the code move what they explain elsewhere.

        What is off by more here may lose digits, and is looked at for that, until one part does.

        Shapes: actual, the numbers that are judged, of which its own move away
        """
        movement.derive = self.derive
        movement.actual = {
            name: value
            for name, value in actual.items()
            if name in self.explained and self._may_be(name, value, movement.expected[name])
        }

    def may_explain(self, found: Mapping[str, tuple[Tensor, Tensor]], weights: Mapping[str, float]) -> bool:
        """Whether something is explained that all rows may be off by.

        Shapes: of each name the values of all rows, and what is right; weights is what those of a part, which
                explained is of, are multiplied by to be those
        """
        here = self.explained.keys() & found.keys()
        return bool(here) and all(self._may_be(name, *found[name], weights[name]) for name in here)

    def _may_be(self, name: str, value: Tensor, expected: Tensor, weight: float = 1.0) -> bool:
        return float(difference(value, expected).abs().amax()) <= weight * self.explained[name]

    def look_at(
        self, rows: dict[str, Row], actual: Tensors, movement: Movement, of_sums: bool = False
    ) -> dict[str, Row]:
        """The rows of a part, with what the code's own roundings explain there, if it makes them there, too.

        What differs in a sum alone, in the first part that does, is for all rows to tell: others average out;
        unless of sums is asked, as of rows that are left since they are farther off than others.

        Shapes: actual, the numbers of the part
        """
        differing = {
            name: actual[name]
            for name, row in rows.items()
            if row.verdict is Verdict.DIFFERS and (of_sums or not row.part or name in self.explained)
        }
        asked = self._made_again(differing, movement) if differing else {}
        if not asked:
            return rows
        again = partial(self.derive, movement.inputs)
        told = forgiven(rows, asked, movement, again, self.accept, derive=self.derive)
        for name, value in asked.items():
            if told[name].verdict is Verdict.DIFFERS:
                self.refuted.add(name)
            elif told[name].explanation == EXPLAINED:
                self.explained[name] = reach(value, movement, name, again, unit(movement.coarsest))
            elif told[name].explanation != TOO_SLOW:  # it loses digits, which this part tells
                self.explained[name] = math.inf
        return told

    def forget(self) -> None:
        """Begin anew, with other rows: what digits one of these has lost is told of none of those."""
        self.explained.clear()
        self.refuted.clear()

    def _made_again(self, asked: Tensors, movement: Movement) -> dict[str, Tensor]:
        """What it makes of the part alone as well, within what rounding explains, or makes right there."""
        try:
            found = self.derive(movement.inputs)
            made = {name: found[name].detach().double() for name in asked}
            return {
                name: value
                for name, value in asked.items()
                if any(
                    bool(((made[name] - each).abs() <= movement.bound(name)).all())
                    for each in (value, movement.expected[name])
                )
            }
        except Exception:  # it is the user's code, made for the whole
            return {}


class OwnMovement(Movement):
    """How far a reference moves, and the code that is judged where its roundings are known to be larger."""

    def __init__(self, reference: Reference, inputs: Tensors) -> None:
        """As any other movement; none of the code's is asked for yet."""
        super().__init__(reference, inputs)
        self.derive: Derive | None = None
        self.actual: dict[str, Tensor] = {}
        self.own_draws = 0

    def at_least(self, draws: int) -> None:
        """Run both, moved, until so many draws are made, at most DRAWS, and keep the largest movements."""
        super().at_least(draws)
        while self.derive is not None and self.actual and self.own_draws < self.draws:
            self._move_code(self.derive, self.own_draws)
            self.own_draws += 1

    def _move_code(self, derive: Derive, seed: int) -> None:
        with own_run(seed, unit(self.coarsest)):
            found = derive(self.inputs)
        for name, value in self.actual.items():
            off = found[name].detach().to(self.expected[name].dtype) - value
            known = self.moved_sums[name]
            for which, total in sums(off, self.expected[name]):
                known[which] = torch.maximum(known[which], total.abs())
            self.moved[name] = torch.maximum(self.moved[name], off.abs())
            if name in self.squares:
                self.squares[name] += off.square()
