"""Random numbers of every kind begin at one place in every call, or nothing is compared."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.layers.random_state import random_state, same_random_numbers

X = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
OWN, PYTHONS = np.random.default_rng(0), random.Random(0)
TWISTER = np.random.Generator(np.random.MT19937(0))


DRAWS: dict[str, Callable[[Tensor], Tensor | float]] = {
    "numpy": lambda x: torch.from_numpy(np.random.rand(*x.shape)).to(x.dtype),
    "Python": lambda x: random.uniform(0.5, 2.0),
    "a generator of numpy's": lambda x: torch.from_numpy(OWN.random(x.shape)).to(x.dtype),
    "a generator of Python's": lambda x: PYTHONS.uniform(0.5, 2.0),
    "one of numpy's, and numpy": lambda x: (
        torch.from_numpy(OWN.random(x.shape)).to(x.dtype) * np.random.rand()
    ),
    "one of numpy's whose state has an array": lambda x: torch.from_numpy(TWISTER.random(x.shape)).to(
        x.dtype
    ),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_what_is_drawn_is_the_same_in_every_call(kind: str) -> None:
    """Noise was taken for rounding, and whatever was returned agreed."""
    draw = DRAWS[kind]

    def forward(x: Tensor) -> tuple[Tensor, Tensor | float]:
        noise = draw(x)
        return x * noise, noise

    def reference(x: Tensor) -> Tensor:
        return x * draw(x)

    state = random.getstate()
    right = check_function((forward, lambda noise, above: above * noise), reference, X, ways=[])
    assert right.agrees, right
    assert "two calls differ" not in str(right)
    assert not check_function((forward, lambda noise, above: above), reference, X, ways=[], draws=0)
    assert random.getstate() == state


def test_an_own_forward_that_draws_is_confirmed() -> None:
    """By values that begin where the given ones did."""

    def forward(x: Tensor) -> tuple[Tensor, float]:
        noise = random.random()
        return x * noise, noise

    report = check_function((forward, lambda noise, above: above * noise), None, X, ways=[])
    assert report.agrees, report
    assert "compared with its own forward under autograd" in str(report).splitlines()


def test_a_pair_draws_from_a_generator_of_its_own() -> None:
    """As its reference does from another one that is alike."""
    own, other = random.Random(0), random.Random(0)

    def forward(x: Tensor) -> tuple[Tensor, float]:
        drawn = own.random()
        return x * drawn, drawn

    pair = forward, lambda drawn, above: above * drawn
    assert check_function(pair, lambda x: x * other.random(), X, ways=[]).agrees


def test_numbers_are_drawn_from_where_a_state_was_and_go_on_as_if_none_were() -> None:
    own = random.Random(0)
    state = random_state(among=[own])
    first = own.random()
    with same_random_numbers(state):
        assert own.random() == first
    twin = random.Random(0)
    assert [first, own.random()] == [twin.random(), twin.random()]


@pytest.mark.parametrize("share", [1.0, 2.0])
def test_a_generator_that_is_handed_on_begins_where_it_stood(share: float) -> None:
    def dropped(x: Tensor, generator: torch.Generator) -> Tensor:
        return x * (torch.rand(x.shape, generator=generator) > 0.5)

    def forward(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        y = dropped(torch.ones_like(x), generator)
        return x * y, y

    pair = forward, lambda kept, above: (share * above * kept, None)
    report = check_function(pair, dropped, X, torch.Generator().manual_seed(3), ways=[], draws=0)
    assert report.agrees == (share == 1), report


def test_what_draws_from_another_generator_is_compared_with_nothing() -> None:
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        kept = 2.0 * torch.from_numpy(np.random.rand(*x.shape) > 0.5)
        return (x * kept).to(x.dtype), kept

    report = check_function((forward, lambda kept, above: above * kept), functional.dropout, X, ways=[])
    assert "draws other random numbers" in str(report), report


def test_a_reference_that_never_repeats_itself_is_compared_with_nothing() -> None:
    """Whose numbers no generator explains: bounds as wide as they vary would explain everything."""
    calls: list[int] = []

    def reference(x: Tensor) -> Tensor:
        calls.append(0)
        return x * len(calls)

    report = check_function((lambda x: (x, x), lambda x, above: above), reference, X, ways=[])
    assert str(report).startswith("UNDECIDED"), report
    assert "makes other numbers in every call" in str(report)


def test_one_that_draws_beside_a_reference_that_does_not_is_another_function() -> None:
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        noise = torch.rand_like(x)
        return x * noise, noise

    report = check_function((forward, lambda noise, above: above * noise), torch.clone, X, ways=[], draws=0)
    assert str(report).startswith("MISMATCH"), report
