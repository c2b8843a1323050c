"""What to call a tensor of the forward pass: a parameter, an input, the result of a call."""

from collections.abc import Callable, Hashable, Mapping, Sequence

from torch import Tensor

from torch_reference.diagnosis.edits.editor import Call

Named = Callable[[Tensor], str]


def namer(calls: Sequence[Call], point: Mapping[str, Tensor]) -> Named:
    """Where a tensor comes from, for those that the calls have met at this point."""
    known: dict[Hashable, str] = {}

    def named(tensor: Tensor) -> str:
        if not known:
            for place, call in enumerate(calls):
                known.setdefault(_memory(call.result), f"the result of {call.name} (call {place + 1})")
                for own, name in zip(call.tensors, call.parameters, strict=True):
                    if name:
                        known.setdefault(_memory(own), name)
            for name, value in point.items():
                known.setdefault(_memory(value), name)
        return known.get(_memory(tensor), "a constant")

    return named


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
