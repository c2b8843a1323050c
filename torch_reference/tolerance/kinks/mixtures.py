"""Mixtures of decisions: each of several kinks turns by itself, and so does each place of one decision."""

import random
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.decisions import FREE, Decisions

MIXTURES = 64
"""So many of them: in a precision in which two numbers are equal, which the exact run takes for different,
each decision may fall otherwise; and each window of a pooling may choose another one of its equals."""


def mixed(own: tuple[Any, ...], turned: list[Decisions]) -> Iterator[tuple[Any, ...]]:
    """One decision as in one run, the next as in another, and what follows from them as it then does.

    In every second mixture each place of a decision is as in a run of its own.
    """
    follow = turned[0].follow if turned else []
    alike = [own, *(one.made for one in turned if one.follow == follow)]
    if len(own) != len(follow):
        return
    turns = [
        number
        for number, follows in enumerate(follow)
        if not follows and any(not same((one[number],), (own[number],)) for one in alike)
    ]
    draws = random.Random(0)
    for mixture in range(MIXTURES if turns else 0):
        mix = _by_place if mixture % 2 else _by_run
        yield tuple(
            FREE if follows else mix(draws, [one[number] for one in alike])
            for number, follows in enumerate(follow)
        )


def _by_run(draws: random.Random, alike: list[Any]) -> Any:
    return draws.choice(alike)


def _by_place(draws: random.Random, alike: list[Any]) -> Any:
    first = alike[0]
    if not isinstance(first, Tensor) or any(one.shape != first.shape for one in alike):
        return draws.choice(alike)
    generator = torch.Generator("cpu").manual_seed(draws.getrandbits(32))
    which = torch.randint(len(alike), (1, *first.shape), generator=generator, device="cpu").to(first.device)
    return torch.stack(alike).gather(0, which)[0]


def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two runs decided alike."""
    return len(one) == len(other) and all(
        torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b
        for a, b in zip(one, other, strict=True)
    )
