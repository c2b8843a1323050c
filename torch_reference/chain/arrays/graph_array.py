"""What looks like an array to numpy's functions and operators, and is a tensor with a graph.

Nothing is changed in place: an array that is written to gets another tensor, so that what was saved for
autograd stays. A view of it does not follow then, and of functions that are not known here, or what is made
a number of, the graph is lost: that shows in the gradient, which is compared.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin
from torch import Tensor

from torch_reference.chain.arrays.elementwise import UFUNCS
from torch_reference.chain.arrays.functions import FUNCTIONS

METHODS = {"sum", "mean", "var", "std", "max", "min", "prod", "cumsum", "dot", "transpose", "reshape"}
METHODS |= {"squeeze", "ravel", "swapaxes", "copy", "repeat", "clip", "trace", "diagonal"}
PLAIN_METHODS = {"argmax", "argmin", "any", "all", "argsort", "nonzero", "item", "tolist"}


class GraphArray(NDArrayOperatorsMixin):
    """An array of numbers whose gradient autograd follows."""

    __array_priority__ = 1000.0

    def __init__(self, tensor: Tensor) -> None:
        """Take a tensor, with a graph or without one."""
        self.tensor = tensor

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        """An operator, or a function of each element; of what is not known here the numbers alone."""
        out = named.pop("out", None)
        if method == "at" and ufunc.__name__ == "add" and isinstance(inputs[0], GraphArray):
            target, index, values = inputs
            places = tuple(map(_index, index)) if isinstance(index, tuple) else (_index(index),)
            [added] = _tensors([values], like=target.tensor)
            target.tensor = target.tensor.index_put(
                tuple(map(torch.as_tensor, places)), added, accumulate=True
            )
            return None
        if method != "__call__" or named or ufunc.__name__ not in UFUNCS:
            return getattr(ufunc, method)(*(plain(one) for one in inputs), **named)
        result = GraphArray(UFUNCS[ufunc.__name__](*_tensors(inputs, like=self.tensor)))
        if out is None:
            return result
        [target] = out
        if not isinstance(target, GraphArray):
            target[...] = plain(result)
            return target
        target.tensor = result.tensor.expand(target.shape)
        return target

    def __array_function__(self, function: Any, _types: Any, args: Any, named: Any) -> Any:
        """Any other function of numpy's; of what is not known here the numbers alone."""
        return _called(function.__name__, function, args, named, like=self.tensor)

    def __array__(self, *_args: Any, **_named: Any) -> Any:
        """The numbers alone, without their graph."""
        return plain(self)

    def __float__(self) -> float:
        """The one number that it holds."""
        return float(plain(self))

    def __bool__(self) -> bool:
        """Whether the one number that it holds is another than zero."""
        return bool(plain(self))

    def __getattr__(self, name: str) -> Any:
        """An array's methods."""
        if name in METHODS:
            return lambda *args, **named: _called(name, None, (self, *args), named, like=self.tensor)
        if name in PLAIN_METHODS:
            return getattr(plain(self), name)
        raise AttributeError(name)

    def __getitem__(self, index: Any) -> "GraphArray":
        """A part of it."""
        return GraphArray(self.tensor[_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write a part of it."""
        changed = self.tensor.clone()
        [changed[_index(index)]] = _tensors([value], like=changed)
        self.tensor = changed

    def __len__(self) -> int:
        """The size of its first dimension."""
        return len(self.tensor)

    def __iter__(self) -> Iterator["GraphArray"]:
        """Its rows."""
        return (self[row] for row in range(len(self)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        """How many sizes it has."""
        return self.tensor.ndim

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return self.tensor.numel()

    @property
    def dtype(self) -> Any:
        """Of its numbers."""
        return plain(self).dtype

    @property
    def T(self) -> "GraphArray":  # noqa: N802 # numpy's name
        """Its dimensions in the opposite order."""
        return self.transpose()

    def flatten(self) -> "GraphArray":
        """A copy with one dimension."""
        return GraphArray(self.tensor.flatten())

    def astype(self, dtype: Any, **_named: Any) -> Any:
        """Itself as other numbers; whole ones have no graph."""
        if np.dtype(dtype).kind != "f":
            return plain(self).astype(dtype)
        return GraphArray(self.tensor.to(torch.from_numpy(np.empty(0, dtype)).dtype))


def plain(value: Any) -> Any:
    """The numbers alone, as numpy has them.

    >>> plain(GraphArray(torch.tensor([1.0, 2.0], requires_grad=True)))
    array([1., 2.], dtype=float32)
    """
    if isinstance(value, GraphArray):
        with torch._C.DisableTorchFunction():  # whoever is watched gets another array
            return value.tensor.detach().clone().numpy()
    if type(value) in (tuple, list):
        return type(value)(plain(one) for one in value)
    return {key: plain(one) for key, one in value.items()} if type(value) is dict else value


def tensor_of(value: Any) -> Any:
    """The tensor of such an array; anything else as it is.

    >>> tensor_of(np.exp(GraphArray(torch.zeros(2, requires_grad=True)))).grad_fn is None
    False
    """
    return value.tensor if type(value) is GraphArray else value


def _called(name: str, function: Any, args: Any, named: Any, like: Tensor) -> Any:
    """numpy's function by what it is in torch; what is not known there, or not so, by the numbers alone."""
    if name in FUNCTIONS:
        given = {key: one for key, one in named.items() if not (key in ("dtype", "out") and one is None)}
        with suppress(TypeError, NotImplementedError):  # an argument that torch does not have
            found = FUNCTIONS[name](*_arrays(args, like), **_arrays(given, like))
            return (
                [GraphArray(one) for one in found] if isinstance(found, list | tuple) else GraphArray(found)
            )
    args, named = plain(args), plain(named)
    return function(*args, **named) if function is not None else getattr(args[0], name)(*args[1:], **named)


def _arrays(value: Any, like: Tensor) -> Any:
    """Tensors for all arrays in it; numbers, axes and shapes as they are."""
    if isinstance(value, GraphArray):
        return value.tensor
    if isinstance(value, np.ndarray):
        return _constant(value, like)
    if type(value) in (tuple, list):
        return type(value)(_arrays(one, like) for one in value)
    return {key: _arrays(one, like) for key, one in value.items()} if type(value) is dict else value


def _tensors(values: Any, like: Tensor) -> list[Tensor]:
    """Tensors for all of them."""
    return [one.tensor if isinstance(one, GraphArray) else _constant(np.asarray(one), like) for one in values]


def _constant(value: np.ndarray[Any, Any], like: Tensor) -> Tensor:
    if value.dtype.kind == "b":
        return torch.from_numpy(value.copy())
    return torch.tensor(value, dtype=like.dtype)


def _index(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    if isinstance(index, list | range | np.ndarray):
        return torch.as_tensor(np.asarray(index))
    return int(index) if isinstance(index, np.integer) else index
