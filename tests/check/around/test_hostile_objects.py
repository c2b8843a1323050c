"""Objects and errors whose every attribute is an error of its own: what comes out is a report."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor, nn

from autograd_functions import function, saving
from torch_reference import Report, check_derivation, check_function, check_modules

x = torch.tensor([0.5, -1.0, 2.0])
QUICK: dict[str, Any] = {"ways": [], "order": 1, "draws": 0}


class Classless:
    """Its class cannot be asked for, as isinstance does."""

    @property
    def __class__(self) -> type:
        raise RuntimeError("no class")


class Closed:
    """Nothing of it can be asked for."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no attribute")


class Refusing:
    """No operator takes it."""

    def refuse(self, *_: Any) -> Any:
        raise RuntimeError("no")

    __eq__ = __bool__ = __repr__ = __hash__ = __len__ = __iter__ = __reduce_ex__ = refuse  # type: ignore


class Shapeless(Tensor):
    """A tensor that does not say its shape."""

    @property
    def shape(self) -> Any:
        raise RuntimeError("no shape")


class Unseen(Tensor):
    """A tensor of which no function of torch's is taken."""

    @classmethod
    def __torch_function__(cls, *_: Any) -> Any:
        raise RuntimeError("no function")


def endless() -> list[Any]:
    """A list that holds itself."""
    found: list[Any] = []
    found.append(found)
    return found


HOSTILE: dict[str, Callable[[], Any]] = {
    "without a class": Classless,
    "closed": Closed,
    "refusing": Refusing,
    "a mock of a tensor": lambda: Mock(spec=Tensor),
    "without a shape": lambda: x.clone().as_subclass(Shapeless),
    "unseen": lambda: x.clone().as_subclass(Unseen),
    "endless": endless,
    "not made yet": nn.UninitializedParameter,
    "a huge integer": lambda: 10**400,
    "no number": lambda: torch.full((3,), torch.nan),
}


def square(ctx: Any, x: Tensor) -> Tensor:
    """x², saved."""
    ctx.save_for_backward(x)
    return x * x


def with_hostile(make: Callable[[], Any]) -> Iterator[Callable[[], Report]]:
    """Every place where the user's code can put it."""
    linear, loss = nn.Linear(3, 1), lambda out, y: (out - y).square().sum()
    yield lambda: check_function(lambda x, _: x * 2, lambda x, _: x + x, x, make(), **QUICK)
    yield lambda: check_function(lambda x, _: x * 2, lambda x, _: x + x, x, _={"a": [make()]}, **QUICK)
    yield lambda: check_function(lambda x: (x * 2, make()), lambda x: (x + x, make()), x, **QUICK)
    yield lambda: check_function(lambda x: (x * 2, make()), lambda x: (x + x, 1.5), x, **QUICK)
    yield lambda: check_function(lambda x: make(), torch.square, x, **QUICK)
    yield lambda: check_function((lambda x: (x * x, make()), lambda x, g: g), torch.square, x, **QUICK)
    yield lambda: check_function((lambda x: (x * x, x), lambda x, g: make()), torch.square, x, **QUICK)
    yield lambda: check_function((lambda x: (x * x, x), lambda x, g: (make(),)), None, x, **QUICK)
    yield lambda: check_derivation(linear, loss, x, x[:1], lambda *_: make(), draws=0)
    yield lambda: check_derivation(linear, loss, x, x[:1], lambda *_: {"weight": make()}, draws=0)
    yield lambda: check_modules(linear, linear, x, make(), **QUICK)


@pytest.mark.medium(2)
@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_whatever_stands_wherever_there_is_a_report(make: Callable[[], Any]) -> None:
    """An error of the check's own call alone is one: what it cannot look at is told."""
    for check in with_hostile(make):
        assert isinstance(check(), Report)


def test_what_pretends_to_be_a_tensor_never_meets_apply() -> None:
    """It would read its memory as a tensor's, and end the process; what is derived from Tensor may."""
    twice = function(lambda ctx, x, _: 2 * x, lambda ctx, g: (2 * g, None))
    for called in (twice, twice.apply, lambda x, other: twice.apply(x, other)):
        with pytest.raises(ValueError, match=r"inputs\[1\]: expected a tensor, .* found Mock: "):
            check_function(called, lambda x, _: x + x, x, Mock(spec=Tensor), **QUICK)
        for other in (Mock(), Mock(spec=nn.Linear), x.as_subclass(type("Derived", (Tensor,), {}))):
            assert check_function(called, lambda x, _: x + x, x, other, wrt=[0], **QUICK)


class SilentError(Exception):
    """Its text is an error."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class HiddenError(Exception):
    """It does not even tell where it was raised."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no attribute")


class OwnError(BaseException):
    """It is no Exception, so that nobody catches it by chance."""


def raise_(error: BaseException) -> Any:
    """Raise, as an expression."""
    raise error


@pytest.mark.parametrize("error", [SilentError, HiddenError, OwnError], ids=lambda error: error.__name__)
def test_an_error_that_tells_nothing_is_a_report(error: type[BaseException]) -> None:
    """In the forward, the backward and the reference, at once or later on."""
    for later in (0, 2):
        calls = itertools.count()

        def now(value: Any, calls: Any = calls, later: int = later) -> Any:
            return raise_(error()) if next(calls) >= later else value

        wrong = function(saving(lambda x: x * x), lambda ctx, g: now(2 * g * ctx.saved_tensors[0]))
        for report in (
            check_function(lambda x: now(x * x), torch.square, x, **QUICK),
            check_function(wrong, torch.square, x, **QUICK),
            check_function(torch.square, lambda x: now(x * x), x, **QUICK),
        ):
            assert not report or later, report


class Stopped(BaseException):
    """What a test's runner raises, as pytest.exit does."""


Stopped.__module__ = "_pytest.outcomes"


@pytest.mark.parametrize("error", [KeyboardInterrupt, Stopped])
def test_what_is_meant_for_the_program_passes(error: type[BaseException]) -> None:
    """An interrupt ends a check, and so does a test's runner."""
    with pytest.raises(error):
        check_function(lambda x: raise_(error()), torch.square, x, **QUICK)
