"""The networks at which every submission is judged: the chosen one, and others drawn from a secret seed."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from manual_backprop import PARAMETERS


@dataclass(frozen=True)
class LessonPoint:
    """Parameters of shape (), data of shape (n), and what to call them."""

    title: str
    parameters: Mapping[str, Tensor]
    inputs: Tensor
    observed: Tensor


def secret_seed() -> int:
    """A seed that nobody can have known."""
    return secrets.randbits(40)


def drawn(seed: int, count: int, like: Tensor) -> list[LessonPoint]:
    """Networks of the size of the lesson's, each with another number of observations.

    A right derivation in the textbook's form, log(1 + exp(x)), overflows at none of them.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int, spread: float) -> Tensor:
        return (spread * torch.randn(shape, generator=generator, dtype=torch.float64)).to(like)

    points = []
    for number in range(1, count + 1):
        n = 3 + number  # never the lesson's three: a loop over three is found
        parameters = {name: normal(spread=1.5) for name in PARAMETERS}
        inputs, observed = normal(n, spread=1.0), normal(n, spread=1.0)
        title = f"network {number} of the seed, {n} observations"
        points.append(LessonPoint(title, parameters, inputs, observed))
    return points
