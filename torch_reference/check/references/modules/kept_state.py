"""What a module keeps on itself: a copy on which a call has left nothing can be called once more.

To copy a module anew for each call costs more than to call it. Everything that is reached from it is known by
its identity, as long as it is held, and by what it holds in turn; what cannot be seen through is unknown.
"""

from collections import OrderedDict, defaultdict
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from torch_reference.judging.calls.really import is_tensor

VALUES = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device)
"""Of these equal ones are the same."""
SHARED = (type, FunctionType, BuiltinFunctionType, ModuleType, Enum)
"""A copy has them in common with what it is a copy of."""
HOLDERS = (list, tuple, set, frozenset, torch.Size)
MAPPINGS = (dict, OrderedDict, defaultdict)
MOST = 20_000
"""So many things are looked at, more than large models keep besides their numbers."""

State = list[tuple[Any, ...]]


class _Plain:
    """An instance of a class in Python, without a base in C or slots, has nothing but its __dict__."""


def kept_state(module: nn.Module) -> State | None:
    """All that is reached from it, but the numbers of parameters and buffers; None where that is unknown.

    >>> linear = nn.Linear(2, 1)
    >>> before = kept_state(linear)
    >>> is_same(before, kept_state(linear))
    True
    >>> linear.seen = [1]
    >>> is_same(before, kept_state(linear))
    False
    """
    found: State = []
    met: set[int] = set()
    ahead: list[Any] = [module]
    while ahead:
        thing = ahead.pop()
        if isinstance(thing, VALUES):
            found.append((type(thing), thing))
        elif id(thing) not in met:
            met.add(id(thing))
            try:
                inside = _inside(thing)
            except Exception:  # it is the user's
                return None
            if inside is None or len(found) > MOST:
                return None
            found.append((thing, len(inside)))
            ahead += inside
    return found


def is_same(one: State | None, other: State | None) -> bool:
    """Whether both are known, and the same things were met in the same order."""
    if one is None or other is None or len(one) != len(other):
        return False
    return all(a[0] is b[0] and a[1:] == b[1:] for a, b in zip(one, other, strict=True))


def _inside(thing: Any) -> list[Any] | None:
    """What a thing holds; None where it may hold what is not seen."""
    if isinstance(thing, SHARED):
        return []
    if is_tensor(thing):
        return _numbers(thing)
    if isinstance(thing, nn.Module):
        numbers = {**thing._parameters, **thing._buffers}
        own = {key: value for key, value in vars(thing).items() if key not in ("_parameters", "_buffers")}
        return [*numbers, *own, *own.values()]
    if isinstance(thing, MethodType):
        return [thing.__func__, thing.__self__]
    if type(thing) in MAPPINGS:
        return [*thing, *thing.values()]
    if type(thing) in HOLDERS:
        return [*thing]
    is_plain = type(thing).__basicsize__ == _Plain.__basicsize__ and hasattr(thing, "__dict__")
    return [*vars(thing), *vars(thing).values()] if is_plain else None


def _numbers(tensor: Tensor) -> list[Any] | None:
    """Its numbers, as bytes: what is written by way of .data, or of numpy, changes no version of it."""
    if tensor.numel() > MOST:
        return None
    return [tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()]
