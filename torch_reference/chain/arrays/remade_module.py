"""The user's functions with another numpy: one whose new arrays can keep a graph.

`out = np.zeros(n)` is filled with what was computed, so it must be such an array as well. Nothing of the
user's is changed: the functions are made anew, of the same code, with names of their own.
"""

from contextlib import suppress
from types import CellType, FunctionType
from typing import Any

import numpy as np
import torch

from torch_reference.chain.arrays.graph_array import GraphArray
from torch_reference.chain.arrays.users_code import is_the_users
from torch_reference.judging.calls.really import is_a

ROOM = {"zeros": 0.0, "ones": 1.0, "empty": 0.0}


class GraphNumpy:
    """numpy, but that its new arrays can keep a graph while it is open."""

    def __init__(self) -> None:
        """Open."""
        self.is_open = True

    def __getattr__(self, name: str) -> Any:
        """What numpy has, but for what makes room."""
        if not self.is_open:
            return getattr(np, name)
        if name in ROOM:
            return lambda shape, *args, **named: _room(name, shape, *args, **named)
        if name.removesuffix("_like") in ROOM:
            return lambda like, *args, **named: _room_like(name, like, *args, **named)
        if name in ("array", "asarray"):
            return lambda value, *args, **named: _array(name, value, *args, **named)
        return getattr(np, name)


def _room(name: str, shape: Any, dtype: Any = float, **named: Any) -> Any:
    made = getattr(np, name)(shape, dtype, **named)
    if made.dtype.kind != "f":
        return made
    sizes = (int(shape),) if isinstance(shape, int | np.integer) else tuple(map(int, shape))
    return GraphArray(torch.full(sizes, ROOM[name], dtype=torch.from_numpy(made[:0].copy()).dtype))


def _room_like(name: str, like: Any, *args: Any, **named: Any) -> Any:
    made = getattr(np, name)(like, *args, **named)
    is_plain = isinstance(made, np.ndarray) and made.dtype.kind == "f"
    return _room(name.removesuffix("_like"), made.shape, made.dtype) if is_plain else made


def _array(name: str, value: Any, *args: Any, **named: Any) -> Any:
    if isinstance(value, GraphArray):
        return value.copy()
    if type(value) in (list, tuple) and value and all(isinstance(one, GraphArray) for one in value):
        return GraphArray(torch.stack([one.tensor for one in value]))
    return getattr(np, name)(value, *args, **named)


def with_graph_arrays(function: Any) -> tuple[Any, GraphNumpy]:
    """The function, and those and the classes that it finds by name, with such a numpy.

    >>> from torch_reference.chain.arrays import tensor_of
    >>> squares, _ = with_graph_arrays(lambda x: np.stack([x, x * x]))
    >>> tensor_of(squares(GraphArray(torch.tensor([3.0], requires_grad=True)))).requires_grad
    True
    """
    other = GraphNumpy()
    return (
        _Remade(other).function(function, at_the_top=True) if isinstance(function, FunctionType) else function
    ), other


class _Remade:
    """The names of modules, their functions and classes made anew where they are the user's."""

    def __init__(self, other: GraphNumpy) -> None:
        self.other = other
        self.known: dict[int, dict[str, Any]] = {}
        self.functions: dict[int, FunctionType] = {}

    def function(self, function: FunctionType, at_the_top: bool = False) -> FunctionType:
        """Of the same code and defaults; what is in its cells is made anew as well.

        At the top there may be one of ours, around the user's.
        """
        if id(function) in self.functions:
            return self.functions[id(function)]
        is_users = is_the_users(function.__code__)
        if not is_users and not at_the_top:
            return function
        names = self._names(function.__globals__) if is_users else function.__globals__
        if id(function) in self.functions:  # made on the way
            return self.functions[id(function)]
        cells = tuple(CellType() for _ in function.__closure__ or ())
        made = FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells or None)
        made.__kwdefaults__ = function.__kwdefaults__
        self.functions[id(function)] = made
        for cell, before in zip(cells, function.__closure__ or (), strict=True):
            self._fill(cell, before)
        return made

    def _names(self, names: dict[str, Any]) -> dict[str, Any]:
        if id(names) in self.known:
            return self.known[id(names)]
        made = self.known[id(names)] = dict(names)
        for name, value in names.items():
            if value is np:
                made[name] = self.other
            elif is_a(value, FunctionType):
                made[name] = self.function(value)
            elif is_a(value, type) and value.__module__ == names.get("__name__"):
                made[name] = self._class(value)
        return made

    def _fill(self, cell: CellType, before: CellType) -> None:
        with suppress(ValueError):  # not filled yet
            inside = before.cell_contents
            cell.cell_contents = self.function(inside) if isinstance(inside, FunctionType) else inside

    def _class(self, known: type) -> type:
        """Of the same bases; one whose methods know their class, as super() does, stays as it is."""
        members = {name: one for name, one in vars(known).items() if name not in ("__dict__", "__weakref__")}
        functions = [value for value in members.values() if isinstance(value, FunctionType)]
        if any("__class__" in one.__code__.co_freevars for one in functions):
            return known
        try:
            return type(
                known.__name__, known.__bases__, {name: self._member(one) for name, one in members.items()}
            )
        except (TypeError, ValueError):  # a class of another kind
            return known

    def _member(self, value: Any) -> Any:
        if isinstance(value, FunctionType):
            return self.function(value)
        if isinstance(value, staticmethod) and isinstance(value.__func__, FunctionType):
            return staticmethod(self.function(value.__func__))
        return value
