"""The upstream gradients of a function's outputs, random or given, by the names that they have in a point."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor

from torch_reference.judging.calls.nests import real_pairs
from torch_reference.judging.scalar_objective import UPSTREAM, Tensors
from torch_reference.layers.own_generator import own_generator

PERIOD = 131_071
"""A prime number of fresh normal numbers: to draw them takes longer than to differentiate."""

LARGER = 1.25
"""By what the last repetition is multiplied."""


def drawn_upstream(outputs: Tensors, seed: int) -> dict[str, Tensor]:
    """A random upstream gradient for every floating-point output, by the names that they have in a point.

    Shapes: those of the outputs, in their dtypes; complex ones are real pairs
    Errors: ValueError where there is no such output
    """
    numbers = {name: value for name, value in outputs.items() if value.is_floating_point()}
    if not numbers:
        raise ValueError("the reference has no floating-point output: there is nothing to differentiate")
    few = {name: value for name, value in numbers.items() if value.numel() <= PERIOD}
    normal = dict(zip(few, _normal(seed, tuple(value.shape for value in few.values())), strict=True))
    return {
        UPSTREAM + name: normal[name].to(value, copy=True)
        if name in normal
        else _repeated(value, seed, place)
        for place, (name, value) in enumerate(numbers.items())
    }


@lru_cache(maxsize=8)
def _normal(seed: int, shapes: tuple[torch.Size, ...]) -> list[Tensor]:
    """Read only: most ways ask for those of the same shapes. Nothing of them outlives a check."""
    generator = own_generator(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64, device="cpu") for shape in shapes]


@contextmanager
def forgetting_upstream() -> Iterator[None]:
    """Afterwards nothing is kept of what was drawn in here."""
    try:
        yield
    finally:
        _normal.cache_clear()


def _repeated(like: Tensor, seed: int, place: int) -> Tensor:
    """PERIOD standard normal numbers, repeated, each time a little larger.

    No row's length divides PERIOD. Equal numbers would round alike, which in sums has to be allowed for.
    """
    numbers, times = _period(seed, place).to(like), like.numel() // PERIOD + 1
    larger = torch.linspace(1, LARGER, times, dtype=like.dtype, device=like.device)
    return (larger.unsqueeze(1) * numbers).flatten()[: like.numel()].view(like.shape)


@lru_cache(maxsize=2)
def _period(seed: int, place: int) -> Tensor:
    """Read only, and kept from check to check: 1 MiB each."""
    return torch.randn(PERIOD, generator=own_generator(seed + place), dtype=torch.float64, device="cpu")


def given_upstream(drawn: Tensors, given: Sequence[Tensor]) -> dict[str, Tensor]:
    """The upstream gradients that are given in the order of those that were drawn.

    Shapes: one of the shape of each that was drawn
    Errors: ValueError for other shapes, or another number
    """
    pairs = [real_pairs(value.detach()) for value in given]
    expected, found = ([tuple(value.shape) for value in values] for values in (drawn.values(), pairs))
    if expected != found:
        raise ValueError(f"upstream: expected tensors of the outputs' shapes, {expected}, found {found}")
    return dict(zip(drawn, pairs, strict=True))
