"""A module's arguments in any nest, as a flat tuple of their tensors and back."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_unflatten

from torch_reference.judging.calls.holders import flattened

Again = Callable[[Sequence[Tensor]], tuple[Any, ...]]


def flat_inputs(inputs: Any) -> tuple[Any, Again | None]:
    """(the inputs as they are, None) of tensors; of a nest its tensors, and what makes it of them again.

    >>> import torch
    >>> tensors, again = flat_inputs({"a": torch.ones(2), "n": 3})
    >>> len(tensors), again(tensors)
    (1, ({'a': tensor([1., 1.]), 'n': 3},))
    """
    args = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    if all(isinstance(value, Tensor) for value in args):
        return inputs, None
    leaves, nest = flattened(args)
    places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]

    def again(tensors: Sequence[Tensor]) -> tuple[Any, ...]:
        given = dict(zip(places, tensors, strict=True))
        found: tuple[Any, ...] = tree_unflatten([given.get(i, leaf) for i, leaf in enumerate(leaves)], nest)
        return found

    return tuple(leaves[place] for place in places), again
