"""The upstream gradients of a function's outputs, random or given, by the names that they have in a point."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torch_reference.judging.derivation_task import normal
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors, as_tuple


def drawn_upstream(reference: Callable[..., Any], inputs: Sequence[Tensor], seed: int) -> dict[str, Tensor]:
    """A random upstream gradient for every floating-point output, by the names that they have in a point.

    Shapes: those of the outputs, in their dtypes
    Errors: ValueError where there is no such output
    """
    with torch.no_grad():
        outputs = as_tuple(reference(*inputs))
    generator = torch.Generator().manual_seed(seed)
    drawn = {
        f"{UPSTREAM}outputs[{index}]": normal(output, generator)
        for index, output in enumerate(outputs)
        if output.is_floating_point()
    }
    if not drawn:
        raise ValueError("the reference has no floating-point output: there is nothing to differentiate")
    return drawn


def given_upstream(drawn: Tensors, given: Sequence[Tensor]) -> dict[str, Tensor]:
    """The upstream gradients that are given in the order of those that were drawn.

    Shapes: one of the shape of each that was drawn
    Errors: ValueError for other shapes, or another number
    """
    expected, found = ([tuple(value.shape) for value in values] for values in (drawn.values(), given))
    if expected != found:
        raise ValueError(f"upstream: expected tensors of the outputs' shapes, {expected}, found {found}")
    return {name: value.detach() for name, value in zip(drawn, given, strict=True)}
