"""What to call a tensor or a call of the forward pass: a parameter, an input, the result of a call."""

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate

from torch import Tensor

from torch_reference.diagnosis.edits.editor import Call
from torch_reference.judging.calls.points import UPSTREAM


class Named:
    """The names of the tensors that the calls of a function have met at a point, and of these calls.

    Behind them the check takes the product of each output and what comes from above: no call of the user's.
    """

    def __init__(self, calls: Sequence[Call], point: Mapping[str, Tensor]) -> None:
        """Nothing is named before it is asked for."""
        self.calls, self.point = calls, point

    def __call__(self, tensor: Tensor) -> str:
        """Where it comes from."""
        return self._known.get(_memory(tensor), "a constant")

    def call(self, number: int) -> str:
        """Which of the calls it is."""
        call, place = self.calls[number], self._places[number]
        if place is None:
            above = next(self(tensor) for tensor in call.tensors if self(tensor).startswith(UPSTREAM))
            return f"the check's own product with {above}, behind all calls"
        return f"{call.name}, call {place} of {max(filter(None, self._places), default=0)}"

    @cached_property
    def _places(self) -> list[int | None]:
        """Which of the user's calls each is, from 1; None for the check's own."""
        above = {_memory(value) for name, value in self.point.items() if name.startswith(UPSTREAM)}
        are_own = [not above.isdisjoint(map(_memory, call.tensors)) for call in self.calls]
        counts = accumulate(int(not is_own) for is_own in are_own)
        return [None if is_own else count for is_own, count in zip(are_own, counts, strict=True)]

    @cached_property
    def _known(self) -> dict[Hashable, str]:
        known: dict[Hashable, str] = {}
        for call, place in zip(self.calls, self._places, strict=True):
            if place is not None:
                known.setdefault(_memory(call.result), f"the result of {call.name} (call {place})")
            for own, name in zip(call.tensors, call.parameters, strict=True):
                if name:
                    known.setdefault(_memory(own), name)
        for name, value in self.point.items():
            known.setdefault(_memory(value), name)
        for number, place in enumerate(self._places):
            if place is None:
                known.setdefault(_memory(self.calls[number].result), "an output times what comes from above")
        return known


def operand(call: Call, argument: int, named: Named) -> str:
    """Which of the tensors that a call was given this is: its place among them, and its name.

    Two of them may have one name, as of x · x.
    """
    return f"operand {argument + 1}, {named(call.tensors[argument])}, of "


def same(one: Tensor, other: Tensor) -> bool:
    """The same memory: what is kept of a run is detached."""
    return _memory(one) == _memory(other)


def _memory(tensor: Tensor) -> Hashable:
    return tensor.data_ptr(), tensor.shape
