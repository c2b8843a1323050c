"""The random numbers that code draws, which every run of it has in common.

In float64 torch draws others than in float32, and others again where an input of theirs is moved by a
rounding: there what is drawn is what the code draws as it was given.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes, _get_current_dispatch_mode

from torch_reference.layers.generator_state import generator_state, put_generator
from torch_reference.tolerance.rounding.uncompiled import Uncompiled

DRAWING = (
    *("rand", "normal", "uniform", "bernoulli", "exponential", "cauchy", "log_normal", "geometric"),
    "multinomial",
)
"""How the names of torch's operations begin that draw numbers of which its inputs are no part.

A gamma variate has a derivative, and is what its own run makes it.
"""
NEAR = 0.01
"""A point is the same where no number differs by more than this part of it: a rounding does not."""

Tensors = Mapping[str, Tensor]
Drawn = list[tuple[str, Tensor, Tensor]]
"""Of each operation its name, what it drew, and where the generator stood afterwards."""


NONE = ("", torch.empty(0), torch.empty(0))
"""After the last one."""


class DrawnNumbers:
    """What is drawn at each point, by code that runs in the dtypes in which it was given."""

    def __init__(self, given: Tensors) -> None:
        """Nothing is drawn yet; given are inputs of those dtypes."""
        self.dtypes = {name: value.dtype for name, value in given.items()}
        self.known: list[tuple[dict[str, Tensor], Drawn]] = []

    @contextmanager
    def handed_out(self, inputs: Tensors, run: Callable[[Tensors], Any]) -> Iterator[None]:
        """Meanwhile what is drawn is what `run` draws of the inputs as given, where it may be another number.

        Which it may be where an input is wider than it was given, or a mode makes it so.
        """
        drawn = None
        is_wide = any(value.dtype != self.dtypes.get(name, value.dtype) for name, value in inputs.items())
        may_differ = is_wide or _get_current_dispatch_mode() is not None
        if may_differ and torch._C._functorch.maybe_current_level() is None:
            with _disable_current_modes(), torch.no_grad():
                drawn = self._at(inputs, run)
        with nullcontext() if drawn is None else _HandedOut(drawn):
            yield

    def _at(self, inputs: Tensors, run: Callable[[Tensors], Any]) -> Drawn | None:
        own = {name: _in(self.dtypes.get(name, value.dtype), value) for name, value in inputs.items()}
        for point, drawn in self.known:
            if all(_is_near(value, point.get(name)) for name, value in own.items()):
                return drawn
        drawn = []
        try:
            with _Recorded(drawn):
                run(own)
        except Exception:  # it is the user's: what it raises is told where it is called
            return None
        self.known.append((own, drawn))
        return drawn


def drawn_by(run: Callable[[], Any]) -> list[Tensor]:
    """What a call draws, in its order.

    >>> [len(numbers) for numbers in drawn_by(lambda: torch.rand(3) + torch.randperm(3))]
    [3, 3]
    """
    drawn: Drawn = []
    with torch.no_grad(), _Recorded(drawn):
        run()
    return [numbers for _, numbers, _ in drawn]


def _in(dtype: torch.dtype, value: Tensor) -> Tensor:
    value = value.detach()
    return (value.real if value.is_complex() and not dtype.is_complex else value).to(dtype).clone()


def _is_near(value: Tensor, other: Tensor | None) -> bool:
    if other is None or value.shape != other.shape or value.dtype != other.dtype:
        return False
    return torch.allclose(value, other, rtol=NEAR, atol=0.0, equal_nan=True)


def _draws(func: Any) -> bool:
    return torch.Tag.nondeterministic_seeded in func.tags and func.overloadpacket.__name__.startswith(DRAWING)


class _Recorded(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    def __init__(self, drawn: Drawn) -> None:
        super().__init__()
        self.drawn = drawn

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if _draws(func):
            self.drawn.append((func.overloadpacket.__name__, made.clone(), generator_state()))
        return made


class _HandedOut(Uncompiled):  # type: ignore[no-untyped-call] # torch leaves it untyped
    def __init__(self, drawn: Drawn) -> None:
        super().__init__()
        self.ahead = iter(drawn)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if not _draws(func):
            return made
        name, value, state = next(self.ahead, NONE)
        if (name, value.shape) == (func.overloadpacket.__name__, made.shape):  # else in another branch
            put_generator(state)
            with _disable_current_modes():
                made.copy_(value)
        return made
