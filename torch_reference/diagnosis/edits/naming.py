"""What to call a tensor of the forward pass: a parameter, an input, the result of a call."""

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from torch_reference.diagnosis.edits.editor import Call

Named = Callable[[Tensor], str]


def namer(calls: Sequence[Call], point: Mapping[str, Tensor]) -> Named:
    """Where a tensor comes from, for those that the calls have met at this point."""

    def named(tensor: Tensor) -> str:
        for place, call in enumerate(calls):
            if same(call.result, tensor):
                return f"the result of {call.name} (call {place + 1})"
            for own, name in zip(call.tensors, call.parameters, strict=True):
                if name and same(own, tensor):
                    return name
        return next((name for name, value in point.items() if same(value, tensor)), "a constant")

    return named


def same(one: Tensor, other: Tensor) -> bool:
    """The same memory: what is kept of a run is detached."""
    return one.data_ptr() == other.data_ptr() and one.shape == other.shape
