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
from torch_reference.tolerance.own_code.own_draws import OwnDraws
from torch_reference.tolerance.own_code.own_roundings import EXPLAINED, TOO_SLOW, forgiven, reach
from torch_reference.tolerance.own_code.own_run import own_run
from torch_reference.tolerance.rounding.roundings import unit

FEW = 8
"""Draws of a part of which the code makes what is right."""
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

        Where it makes the right ones there, its roundings may tell that these are none of theirs.

        What differs in a sum alone, in the first part that does, is for all rows to tell: others average out;
        unless of sums is asked, as of rows that are left since they are farther off than others.

        Shapes: actual, the numbers of the part
        """
        differing = {
            name: actual[name]
            for name, row in rows.items()
            if row.verdict is Verdict.DIFFERS and (of_sums or not row.part or name in self.explained)
        }
        again = partial(self.derive, movement.inputs)
        made = self._made(differing, movement) if differing else {}
        asked = {
            name: differing[name]
            for name in made
            if self._is_same(made[name], differing[name], movement, name)
        }
        right = [name for name in made if self._is_same(made[name], movement.expected[name], movement, name)]
        self.refuted |= {name for name in right if self._is_beyond(differing[name], movement, name)}
        if not asked:
            return rows
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

    def _made(self, asked: Collection[str], movement: Movement) -> dict[str, Tensor]:
        """What it makes of the part alone."""
        try:
            found = self.derive(movement.inputs)
            return {name: found[name].detach().to(movement.expected[name].dtype) for name in asked}
        except Exception:  # it is the user's code, made for the whole
            return {}

    def _is_same(self, made: Tensor, value: Tensor, movement: Movement, name: str) -> bool:
        """Whether it made that, within what rounding explains."""
        return made.shape == value.shape and bool(((made - value).abs() <= movement.bound(name)).all())

    def _is_beyond(self, value: Tensor, movement: Movement, name: str) -> bool:
        """Whether an element is twice as far off as few draws move the code's own, and so as all would.

        What makes other numbers in every call moves them by that.
        """
        own = OwnDraws(
            value, movement.expected[name], {"": movement.bound(name), **movement.sum_bounds(name)}
        )
        try:
            for draw in range(FEW):
                with own_run(draw, unit(movement.coarsest)):
                    own.is_explained(self.derive(movement.inputs)[name])
        except Exception:  # it is the user's code
            return False
        return own.is_outside(2.0)


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
