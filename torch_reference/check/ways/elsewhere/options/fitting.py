"""Inputs of half the size in one dimension, as a convolution's weight has where there are two groups."""

from collections.abc import Iterator

import torch

from torch_reference.judging.calls.arguments import Tensors


def halved(inputs: Tensors) -> Iterator[dict[str, torch.Tensor]]:
    """One input alone in each of its dimensions, then those of one shape together, as keys and values.

    >>> shapes = [
    ...     {name: tuple(value.shape) for name, value in each.items()}
    ...     for each in halved({"x": torch.ones(3, 5), "weight": torch.ones(3, 4)})
    ... ]
    >>> shapes
    [{'x': (3, 5), 'weight': (3, 2)}]
    """
    alone = [[name] for name in inputs]
    alike = {
        tuple(value.shape): [name for name, other in inputs.items() if other.shape == value.shape]
        for value in inputs.values()
    }
    for names in (*alone, *(group for group in alike.values() if len(group) > 1)):
        for dim, size in enumerate(inputs[names[0]].shape):
            if size % 2 == 0 and size:
                yield {**inputs, **{name: inputs[name].narrow(dim, 0, size // 2).clone() for name in names}}
