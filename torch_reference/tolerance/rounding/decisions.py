"""Decisions: what is piecewise constant (a comparison, an index, a sign, a floor) is decided once and held.

Else a ReLU whose input is within rounding of its kink would turn on or off from draw to draw, and the
movement of everything behind it would measure the step of the kink and not rounding.
"""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from torch_reference.tolerance.differences import is_number
from torch_reference.tolerance.rounding.operations import PIECEWISE_CONSTANT

FREE = None
"""What is decided anew, of what was decided before."""


class Decisions:
    """What was decided in one run, in order; with `held`, the run keeps to the decisions of another.

    Attributes: made, the decisions; follow, whether each is made of earlier ones alone
    """

    def __init__(self, held: tuple[Any, ...] | None = None) -> None:
        """Begin a run."""
        self.held = held
        self.made: list[Any] = []
        self.follow: list[bool] = []

    def settled(self, name: str, args: Iterable[Any], results: Any) -> Any:
        """What an operation made, of which decisions are those of the run that is held."""
        several = isinstance(results, tuple | list)
        every = results if several else [results]
        if not any(is_decision(name, result) for result in every):
            return results
        found = [self.settle(result, args) if is_decision(name, result) else result for result in every]
        return type(results)(found) if several else found[0]

    def settle(self, result: Any, args: Iterable[Any]) -> Any:
        """The decision of the run that is held, if it is the same one; FREE is none."""
        if result is None:  # the gradient of a bias that there is not
            return None
        given = [arg for arg in args if isinstance(arg, Tensor)]
        # A copy, as what is handed out below is one: masks are inverted in place, by fmin's backward too.
        self.made.append(result.clone() if isinstance(result, Tensor) else result)
        self.follow.append(bool(given) and not any(map(is_number, given)))
        number = len(self.made) - 1
        if self.held is None or number >= len(self.held):
            return result
        held = self.held[number]
        if held is FREE:
            return result
        # A model that decides in Python may run other operations: then there is nothing to hold on to.
        same = isinstance(held, Tensor) == isinstance(result, Tensor)
        if not same or getattr(held, "shape", ()) != getattr(result, "shape", ()):
            return result
        return held.to(result.dtype, copy=True) if isinstance(held, Tensor) else held


def is_decision(name: str, result: Any) -> bool:
    """Whether a result is one of those that no rounding moves a little."""
    number = isinstance(result, Tensor) and (result.is_floating_point() or result.is_complex())
    return not number or name in PIECEWISE_CONSTANT
