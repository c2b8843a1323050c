"""What of a user's variables is looked at: tensors, arrays and numbers, in containers and objects too."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from torch_reference.chain.arrays import tensor_of

MOST_ITEMS = 64
"""The elements of longer lists are no links."""


def as_double(value: Any) -> Tensor:
    """An array or a number as a tensor in float64, in which all of its digits are kept."""
    return torch.tensor(value, dtype=torch.float64, device="cpu")


def identity_of(value: Any) -> tuple[int, int]:
    """Another object, or the same one changed in place, is another version."""
    if isinstance(value, Tensor):
        return id(value), value._version
    if isinstance(value, int | float):
        return hash(value), 0
    return id(value), hash(value.tobytes()) if value.size < 1 << 16 else 0


def named_values(variables: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(owner, name, value) of every tensor, array and number among the variables, and in what they hold.

    A tensor may hold its gradient, as an attribute: x.g.
    """
    for name, value in ((name, tensor_of(value)) for name, value in variables.items()):
        if _is_numeric(value):
            yield "", name, value
            attributes = vars(value) if type(value) is Tensor else {}
            yield from (
                (name, f"{name}.{key}", item) for key, item in attributes.items() if _is_numeric(item)
            )
            continue
        for key, item in ((key, tensor_of(item)) for key, item in _held(value)):
            if isinstance(key, str) and _is_numeric(item):
                yield name, key, item
            for number, one in _elements(item) if isinstance(key, str) else ():
                yield name, f"{key}[{number}]", one
            if type(item) is dict and len(item) <= MOST_ITEMS:  # self.grads["weight"]
                entries = ((inner, tensor_of(one)) for inner, one in item.items())
                yield from (
                    (f"{name}.{key}", i, one) for i, one in entries if type(i) is str and _is_numeric(one)
                )
        for number, one in _elements(value):
            yield name, f"{name}[{number}]", one


def _elements(value: Any) -> Iterator[tuple[int, Any]]:
    """The tensors of a list, or of a dict whose keys are numbers, by their places."""
    items: Iterable[tuple[Any, Any]] = ()
    if type(value) in (list, tuple) and len(value) <= MOST_ITEMS:
        items = enumerate(value)
    elif type(value) is dict and len(value) <= MOST_ITEMS:
        items = value.items()
    numbered = ((key, tensor_of(item)) for key, item in items if type(key) is int)
    yield from ((key, item) for key, item in numbered if _is_numeric(item))


def _held(value: Any) -> list[tuple[Any, Any]]:
    """The entries of a mapping, the attributes of a plain object: a cache, a ctx, a trace."""
    if type(value) is dict:
        return list(value.items())
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return list(value._asdict().items())
    if isinstance(value, type | torch.nn.Module) or type(value).__module__ in ("builtins", "types", "torch"):
        return []
    return list(getattr(value, "__dict__", {}).items())


def _is_numeric(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_floating_point() and value.layout is torch.strided
    if type(value) is float:
        return True
    return (
        type(value).__module__ == "numpy"
        and getattr(getattr(value, "dtype", None), "kind", "") == "f"
        and hasattr(value, "tobytes")
    )


def inside(value: Any, depth: int = 3) -> list[Any]:
    """All tensors and arrays that a value holds, in tuples, lists, dicts and plain objects."""
    value = tensor_of(value)
    if isinstance(value, Tensor) or _is_numeric(value):
        return [value]
    if depth == 0:
        return []
    parts = list(value) if isinstance(value, tuple | list) else [item for _, item in _held(value)]
    return [found for part in parts for found in inside(part, depth - 1)]
