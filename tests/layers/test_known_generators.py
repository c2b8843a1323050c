"""Generators that a call keeps, or knows by name, wherever it does."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from torch_reference import check_function

X = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))


def with_a_default(x: Tensor, own: np.random.RandomState = np.random.RandomState(0)) -> Tensor:  # noqa: B008
    return x * torch.from_numpy(own.rand(*x.shape)).to(x.dtype)


def with_a_keyword(x: Tensor, *, own: np.random.RandomState = np.random.RandomState(0)) -> Tensor:  # noqa: B008
    return with_a_default(x, own)


@dataclass
class Settings:
    """What a function knows by name, and keeps a generator."""

    own: np.random.RandomState


SETTINGS = Settings(np.random.RandomState(0))


class Noisy:
    """What has a generator of its own."""

    def __init__(self) -> None:
        self.own = np.random.default_rng(0)

    def __call__(self, x: Tensor) -> Tensor:
        return x * torch.from_numpy(self.own.random(x.shape)).to(x.dtype)

    def method(self, x: Tensor) -> Tensor:
        """The same."""
        return self(x)


class Knowing:
    """What knows a generator by name."""

    def __call__(self, x: Tensor) -> Tensor:
        return with_a_default(x, SETTINGS.own)

    def method(self, x: Tensor) -> Tensor:
        """The same."""
        return self(x)


class Keeping:
    """What keeps a function, or a method, that knows one."""

    def __init__(self, draw: Callable[[Tensor], Tensor]) -> None:
        self.draw = draw

    def __call__(self, x: Tensor) -> Tensor:
        return self.draw(x)


class Drawn(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.drawn = with_a_default(torch.ones_like(x), SETTINGS.own)
        return x * ctx.drawn

    @staticmethod
    def backward(ctx: Any, d_y: Tensor) -> Tensor:  # type: ignore[override]
        return d_y * ctx.drawn


def beside_what_is_not_there_yet() -> Callable[[Tensor], Tensor]:
    """A function that knows a name without a value, and a generator."""
    own = np.random.RandomState(0)

    def call(x: Tensor) -> Tensor:
        return with_a_default(later if own is None else x, own)

    if own is None:
        later = X
    return call


RING: list[Any] = [1.0, np.random.RandomState(0)]
RING.append(RING)
KEPT, KNOWING = Noisy(), Knowing()
CALLS: dict[str, Callable[[Tensor], Tensor]] = {
    "object": Noisy(),
    "method": Noisy().method,
    "default": with_a_default,
    "default of a keyword": with_a_keyword,
    "bound by position": partial(lambda own, x: with_a_default(x, own), np.random.RandomState(0)),
    "bound by name": partial(with_a_default, own=np.random.RandomState(0)),
    "bound function": partial(with_a_default),
    "dataclass": lambda x: with_a_default(x, SETTINGS.own),
    "list that holds itself": lambda x: with_a_default(x, RING[1]),
    "object that knows it by name": Knowing(),
    "method that knows it by name": Knowing().method,
    "object that keeps a function": Keeping(lambda x: with_a_default(x, SETTINGS.own)),
    "object that keeps a method": Keeping(Knowing().method),
    "object by name": lambda x: KEPT(x),
    "method of an object by name": lambda x: KNOWING.method(x),
    "Function": Drawn,
    "Function by name": lambda x: Drawn.apply(x),
    "beside what is not there yet": beside_what_is_not_there_yet(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_own_generator_is_found_where_a_call_keeps_it(call: Callable[[Tensor], Tensor]) -> None:
    assert check_function(call, call, X, ways=[]).agrees
