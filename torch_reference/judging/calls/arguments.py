"""The arguments of a call: the tensors among them by name, and everything else as it was given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_unflatten

from torch_reference.judging.calls.holders import flattened
from torch_reference.judging.calls.nests import (
    as_array,
    complex_again,
    copy_of,
    is_judged,
    is_numeric_array,
    is_wrapper,
    paths,
    real_pairs,
)
from torch_reference.judging.calls.really import is_tensor, pretends

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Arguments:
    """Positional and named arguments in any nest.

    leaves are all leaves in order, and names are theirs: "inputs[0]" of a position, "inputs['x']" of a
    keyword, "inputs[0][1]['a']" of a nest. point holds copies of the tensors among them, complex ones as real
    pairs: whatever is done to those, what was given stays.
    """

    leaves: tuple[Any, ...]
    names: tuple[str, ...]
    nest: TreeSpec
    point: dict[str, Tensor]
    count: int

    @classmethod
    def of(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> "Arguments":
        """The arguments of a call function(*args, **kwargs).

        Errors: ValueError for a tensor whose numbers cannot be judged
        """
        leaves, nest = flattened((tuple(args), dict(kwargs)))
        names = [f"inputs{path}" for nested in (tuple(args), dict(kwargs)) for path in paths(nested)]
        point = {}
        for name, leaf in zip(names, leaves, strict=True):
            if is_numeric_array(leaf):
                point[name] = real_pairs(torch.as_tensor(leaf).clone())
            elif is_judged(leaf):
                _refuse(name, leaf)
                value = leaf.detach().resolve_neg()
                # A tensor made under inference_mode can be part of no graph; a copy of it can.
                point[name] = real_pairs(value.clone() if value.is_inference() else copy_of(value))
        return cls(tuple(leaves), tuple(names), nest, point, len(args))

    def refuse_pretenders(self) -> None:
        """ValueError for what says that it is a tensor, and is none."""
        for name, leaf in zip(self.names, self.leaves, strict=True):
            if pretends(leaf):
                told = f"expected a tensor, or what does not say that it is one, found {type(leaf).__name__}"
                raise ValueError(f"{name}: {told}: Function.apply would end the process")

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The names of those that may have a gradient: floating-point and complex tensors."""
        return tuple(name for name, value in self.point.items() if value.is_floating_point())

    @property
    def asked_for(self) -> tuple[str, ...]:
        """The names of those that were given with requires_grad."""
        pairs = zip(self.names, self.leaves, strict=True)
        return tuple(name for name, leaf in pairs if is_tensor(leaf) and leaf.requires_grad)

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords that are given."""
        return tuple(tree_unflatten(list(self.names), self.nest)[1])

    def with_another(self, name: str, leaf: Any) -> "Arguments":
        """The same with another leaf of that name, a tensor among them."""
        leaves = [leaf if name == each else old for each, old in zip(self.names, self.leaves, strict=True)]
        point = {**self.point, **({name: leaf} if is_tensor(leaf) else {})}
        return replace(self, leaves=tuple(leaves), point=point)

    def without(self, name: str) -> "Arguments":
        """The same with None in the place of the tensor of that name."""
        point = {each: value for each, value in self.point.items() if each != name}
        return replace(self.with_another(name, None), point=point)

    def with_keyword(self, keyword: str, leaf: Any) -> "Arguments":
        """The same with one keyword more."""
        args, kwargs = tree_unflatten(list(self.leaves), self.nest)
        nest = flattened((args, {**kwargs, keyword: None}))[1]
        name = f"inputs[{keyword!r}]"
        more = replace(self, leaves=(*self.leaves, None), names=(*self.names, name), nest=nest)
        return more.with_another(name, leaf)

    def tensors(self, values: Tensors) -> dict[str, Tensor]:
        """The values as they are passed on: complex again where they were."""
        return {
            name: complex_again(values[name]) if name in self._complex else values[name]
            for name in self.names
            if name in self.point
        }

    def placed(self, tensors: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(args, kwargs) with these in the places of the tensors."""
        leaves = [tensors.get(name, leaf) for name, leaf in zip(self.names, self.leaves, strict=True)]
        if self._keys is not None:
            return tuple(leaves[: self.count]), dict(zip(self._keys, leaves[self.count :], strict=True))
        args, kwargs = tree_unflatten(leaves, self.nest)
        return args, kwargs

    @cached_property
    def _complex(self) -> frozenset[str]:
        """The names of what was given as complex numbers."""
        pairs = zip(self.names, self.leaves, strict=True)
        return frozenset(name for name, leaf in pairs if name in self.point and _is_complex(leaf))

    @cached_property
    def _keys(self) -> tuple[str, ...] | None:
        """The keywords where every argument is one leaf, which needs no tree; None for nests."""
        args, kwargs = tree_unflatten(list(self.names), self.nest)
        return tuple(kwargs) if all(type(each) is str for each in (*args, *kwargs.values())) else None

    def call(self, function: Callable[..., Any], values: Tensors) -> Any:
        """Call a function of tensors with the values in their places."""
        args, kwargs = self.placed(self.tensors(values))
        return function(*args, **kwargs)

    def as_given(self, tensors: Tensors) -> dict[str, Any]:
        """The tensors as numpy's arrays where they were given as such."""
        pairs = zip(self.names, self.leaves, strict=True)
        arrays = {name for name, leaf in pairs if is_numeric_array(leaf)}
        return {name: as_array(value) if name in arrays else value for name, value in tensors.items()}

    def positions(self) -> list[list[str]]:
        """For every positional argument the names of its leaves."""
        starts = [f"inputs[{position}]" for position in range(self.count)]
        return [[name for name in self.names if name.startswith(start)] for start in starts]


def _is_complex(leaf: Any) -> bool:
    return leaf.is_complex() if is_tensor(leaf) else bool(np.iscomplexobj(leaf))


def refuse_8_bits(name: str, value: Tensor) -> None:
    """Refuse numbers of float8, which torch neither adds nor compares.

    Errors: ValueError for these
    """
    if value.is_floating_point() and value.dtype.itemsize < 2:
        raise ValueError(f"{name}: {value.dtype} cannot be judged: expected 16 bits or more")


def _refuse(name: str, value: Tensor) -> None:
    refuse_8_bits(name, value)
    if value.is_nested:
        raise ValueError(f"{name}: a nested tensor cannot be judged: give its parts, as a list")
    if is_wrapper(value):
        found = f"found {type(value).__name__}, whose numbers are in others"
        raise ValueError(f"{name}: expected a tensor with memory of its own, {found}")
    if value.is_meta:
        raise ValueError(f"{name}: a meta tensor has no numbers to judge")
