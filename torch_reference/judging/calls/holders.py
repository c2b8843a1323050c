"""Objects that hold tensors, as a dataclass or a class of the user's own does, as nodes of a nest.

torch's tree utilities walk tuples, lists, dicts and what is registered with them; anything else is a leaf.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import is_dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import (
    MappingKey,
    TreeSpec,
    register_pytree_node,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_unflatten,
)

from torch_reference.judging.calls.really import is_tensor

ALONE = (
    *(Tensor, np.ndarray, np.generic, nn.Module, torch.Generator, type(None), bool, int, float, complex, str),
    *(type, ModuleType, FunctionType, MethodType, torch.Size),
)
"""What is no holder, whatever its attributes are."""
DEEPEST, MOST = 6, 500
"""Objects in objects, and objects in all, no further: what leads back to itself has no end."""


class Opened:
    """An object in a nest, and what it holds by name; unflattened it is a copy of the object again."""

    def __init__(self, of: Any, held: Mapping[Any, Any]) -> None:
        """Keep the object, of which the copies are made."""
        self.of, self.held = of, dict(held)

    def __getitem__(self, name: Any) -> Any:
        """What it holds by that name."""
        return self.held[name]


def flattened(nest: Any) -> tuple[list[Any], TreeSpec]:
    """(the leaves, what makes the nest of them again), as torch's tree_flatten, through objects too.

    >>> from types import SimpleNamespace
    >>> leaves, spec = flattened([SimpleNamespace(x=torch.tensor(2.0), n=3)])
    >>> leaves
    [tensor(2.), 3]
    >>> tree_unflatten([5.0, 3], spec)
    [namespace(x=5.0, n=3)]
    """
    return tree_flatten(opened(nest))


def tensors_mapped(change: Callable[[Tensor], Any], nest: Any) -> Any:
    """The nest with every tensor in it changed."""
    return mapped(lambda leaf: change(leaf) if is_tensor(leaf) else leaf, nest)


def copied(nest: Any) -> Any:
    """The nest with a copy of every tensor in it, which may be changed, or given back, without loss."""
    return tensors_mapped(lambda each: each.detach().clone().requires_grad_(each.requires_grad), nest)


def mapped(change: Callable[[Any], Any], nest: Any) -> Any:
    """The nest with every leaf in it changed."""
    leaves, spec = flattened(nest)
    return tree_unflatten([change(leaf) for leaf in leaves], spec)


def opened(nest: Any) -> Any:
    """The nest with every object that holds a tensor as a node of torch's trees."""
    return _opened_in(nest, (), {})


def _opened_in(nest: Any, above: tuple[int, ...], seen: dict[int, Any]) -> Any:
    return tree_map(lambda leaf: _opened(leaf, above, seen), nest)


def _opened(leaf: Any, above: tuple[int, ...], seen: dict[int, Any]) -> Any:
    """A leaf, opened if it holds tensors; seen are the objects that were looked into, or hold none."""
    if id(leaf) in above or len(above) == DEEPEST or len(seen) > MOST:
        return leaf
    try:
        if isinstance(leaf, ALONE):
            return leaf
        held = _held(leaf)
        if not held or seen.get(id(leaf), (None, True))[1] is False:
            return leaf
        inner = {name: _opened_in(value, (*above, id(leaf)), seen) for name, value in held.items()}
        holds = is_dataclass(leaf) or any(
            isinstance(each, Tensor | np.ndarray) for each in tree_leaves(inner)
        )
        seen[id(leaf)] = leaf, holds
        copy.copy(leaf)
    except (Exception, SystemExit):  # an object of the user's, which may do anything where it is looked into
        return leaf
    return Opened(leaf, inner) if holds else leaf


def _held(leaf: Any) -> dict[Any, Any]:
    """The elements of a dict or a sequence of a class of its own, then the attributes of any object."""
    found: dict[Any, Any] = {}
    if isinstance(leaf, dict):
        found |= dict(leaf.items())
    elif isinstance(leaf, list | tuple):
        found |= dict(enumerate(leaf))
    names = [name for kind in type(leaf).__mro__ for name in _slots(kind)]
    for name in (*names, *getattr(leaf, "__dict__", ())):
        try:
            found.setdefault(name, object.__getattribute__(leaf, name))
        except AttributeError:  # a slot that is empty
            continue
    return found


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in slots if name not in ("__dict__", "__weakref__"))


def _again(values: Iterable[Any], context: tuple[Any, tuple[Any, ...]]) -> Any:
    """A copy of the object that holds these; whatever its class does at an assignment is not done."""
    of, names = context
    pairs = list(zip(names, values, strict=True))
    elements = pairs[: len(of)] if isinstance(of, dict | list | tuple) else []
    if isinstance(of, tuple):
        made: Any = tuple.__new__(type(of), [value for _, value in elements])
    else:
        made = copy.copy(of)
    if isinstance(of, dict):
        dict.update(made, elements)
    elif isinstance(of, list):
        list.__setitem__(made, slice(None), [value for _, value in elements])
    for name, value in pairs[len(elements) :]:
        object.__setattr__(made, name, value)
    return made


register_pytree_node(
    Opened,
    lambda node: (list(node.held.values()), (node.of, tuple(node.held))),
    _again,
    flatten_with_keys_fn=lambda node: (
        [(MappingKey(name), value) for name, value in node.held.items()],
        (node.of, tuple(node.held)),
    ),
)
