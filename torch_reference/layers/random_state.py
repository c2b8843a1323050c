"""Where all random numbers begin: torch's, Python's, numpy's, and those of a generator of one's own.

A function may be handed a generator, or know one by name; what it draws there differs from call to call.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import is_dataclass
from functools import partial
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from torch_reference.layers.generator_state import generator_state, generator_unmoved, put_generator

Read = Callable[[Any], Any]
Put = Callable[[Any, Any], Any]


def _put_bits(generator: np.random.Generator, state: Any) -> None:
    generator.bit_generator.state = state


KINDS: dict[type, tuple[Read, Put]] = {
    torch.Generator: (torch.Generator.get_state, torch.Generator.set_state),
    random.Random: (random.Random.getstate, random.Random.setstate),
    np.random.RandomState: (np.random.RandomState.get_state, np.random.RandomState.set_state),
    np.random.Generator: (lambda generator: generator.bit_generator.state, _put_bits),
}
"""How the state of a generator of each kind is read, and how it is put back."""
LONGEST = 256
"""So long a list may be that is looked into."""
SHARED: tuple[Any, ...] = (random._inst, np.random.mtrand._rand)
"""The generators of random.random() and of np.random.rand()."""


class Stand(NamedTuple):
    """A generator, and where it stood."""

    generator: Any
    state: Any

    @classmethod
    def of(cls, generator: Any) -> "Stand":
        """Where it stands now."""
        return cls(generator, KINDS[type(generator)][0](generator))

    @property
    def has_moved(self) -> bool:
        """Whether it stands elsewhere now."""
        return not _are_equal(self.state, Stand.of(self.generator).state)

    def put_back(self) -> None:
        """Let it stand there again."""
        KINDS[type(self.generator)][1](self.generator, self.state)


class RandomState(NamedTuple):
    """Where torch's generator stands, and others."""

    torch: Tensor
    others: tuple[Stand, ...] = ()

    def of_moved(self) -> "RandomState":
        """The same of those that have moved, and of all of the user's if one has: they are put back.

        A copy of a network draws from a copy of its generator.
        """
        moved = [each for each in self.others if each.has_moved]
        if any(each.generator not in SHARED for each in moved):
            moved = [each for each in self.others if each.has_moved or each.generator not in SHARED]
        for each in moved:
            each.put_back()
        return self._replace(others=tuple(moved))

    def of_torch(self) -> "RandomState":
        """The same without any other, each of which takes its time."""
        return self._replace(others=())


def random_state(*callables: Any, among: Iterable[Any] = ()) -> RandomState:
    """Where torch's generator stands, Python's, numpy's, those among some objects, and those functions know.

    >>> own = random.Random(0)
    >>> [type(stand.generator).__name__ for stand in random_state(lambda x: x * own.random()).others]
    ['Random', 'RandomState', 'Random']
    """
    known = [*SHARED, *among]
    for call in callables:
        with suppress(Exception):  # whatever the user's objects say of themselves
            known += _known_to(call)
    generators = {
        id(each): each
        for each in _inside(known)
        if type(each) in KINDS and each is not torch.default_generator
    }
    return RandomState(generator_state(), tuple(map(Stand.of, generators.values())))


def generators_of(model: nn.Module) -> list[Any]:
    """Those that a model and its submodules keep: a copy that had others would go on by itself.

    >>> model = nn.Sequential(nn.Linear(2, 1))
    >>> model[0].own = torch.Generator()
    >>> generators_of(model) == [model[0].own]
    True
    """
    return [each for each in _inside([model]) if type(each) in KINDS]


@contextmanager
def same_random_numbers(state: RandomState | None) -> Iterator[None]:
    """Draw from this state in here, or from wherever all stand for None; afterwards all is as it was."""
    others = state.others if state is not None else ()
    before = [Stand.of(each.generator) for each in others]
    with generator_unmoved():
        if state is not None:
            put_generator(state.torch)
        for each in others:
            each.put_back()
        try:
            yield
        finally:
            for each in before:
                each.put_back()


def as_drawn_by(*callables: Any) -> AbstractContextManager[None]:
    """A call in here moves no generator that these know."""
    return same_random_numbers(random_state(*callables))


def _known_to(call: Any, is_first: bool = True) -> Iterator[Any]:
    """What a callable keeps, and what its functions know by name; of what these know that, too, once.

    A callable is a function, a method, a Function, an object, what has been bound to one, or a pair of them.
    """
    for part in call if isinstance(call, tuple) else (call,):
        while type(part) is partial:
            yield from (*part.args, *part.keywords.values())
            part = part.func
        owner = getattr(part, "__self__", part)  # a method's
        held = [
            each for kept in (part, owner, type(owner)) for each in getattr(kept, "__dict__", {}).values()
        ]
        functions = [each for each in map(_plain, (part, *held)) if type(each) is FunctionType]
        named = [known for function in functions for known in _named_in(function)]
        yield from (*held, *named)
        for each in (*held, *named) if is_first else ():
            if type(each) is not ModuleType:
                yield from _known_to(each, is_first=False)


def _inside(values: Iterable[Any]) -> Iterator[Any]:
    """They, what is in short lists, tuples and dicts of theirs, in dataclasses, and modules and theirs."""
    met, ahead = set[int](), [*values]
    while ahead:
        each = ahead.pop()
        if id(each) in met:
            continue
        met.add(id(each))
        yield each
        if isinstance(each, nn.Module) or is_dataclass(each):
            ahead += getattr(each, "__dict__", {}).values()
        elif type(each) in (list, tuple, dict) and len(each) <= LONGEST:
            ahead += each.values() if type(each) is dict else each


def _plain(call: Any) -> Any:
    """The function of a method, a static one too."""
    return getattr(call, "__func__", call)


def _named_in(function: FunctionType) -> Iterator[Any]:
    names = function.__code__.co_names
    yield from (function.__globals__[name] for name in names if name in function.__globals__)
    yield from map(_contents, function.__closure__ or ())
    yield from (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is there yet
        return None


def _are_equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray | Tensor):
        return bool((one == other).all())
    if isinstance(one, dict):
        return all(_are_equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and any(isinstance(each, np.ndarray) for each in one):
        return all(map(_are_equal, one, other))
    return bool(one == other)
