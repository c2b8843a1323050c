"""The tensors among the arguments of a call."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def tensors_in(values: Any) -> tuple[Tensor, ...]:
    """All tensors among the arguments of a call, in tuples and lists too."""
    if isinstance(values, Tensor):
        return (values,)
    if isinstance(values, tuple | list):
        return tuple(tensor for value in values for tensor in tensors_in(value))
    return ()


def replaced_in(values: Any, tensors: tuple[Tensor, ...], replaced: Mapping[int, Tensor]) -> Any:
    """The arguments with some of their tensors replaced, counted in the order of tensors_in."""
    remaining = iter(range(len(tensors)))

    def walk(value: Any) -> Any:
        if isinstance(value, Tensor):
            index = next(remaining)
            return replaced.get(index, value)
        if isinstance(value, tuple | list):
            return type(value)(walk(item) for item in value)
        return value

    return walk(values)
