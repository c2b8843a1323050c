"""Random networks with random data, drawn in batches that can each be drawn again from the seed alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from manual_backprop import LESSON_WRT, PARAMETERS

CASES_PER_BATCH = 250
LARGEST = 1000.0
"""Parameters and data reach ±LARGEST, and so does n."""


@dataclass(frozen=True)
class Batch:
    """Networks `first` to `first + len − 1` of a seed: parameters (cases), data (cases, n)."""

    first: int
    parameters: dict[str, Tensor]
    inputs: Tensor
    observed: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def case(self, number: int) -> "Batch":
        """A batch of one network, by its number in the seed."""
        row = slice(number - self.first, number - self.first + 1)
        parameters = {name: value[row] for name, value in self.parameters.items()}
        return Batch(number, parameters, self.inputs[row], self.observed[row])


def batches(cases: int, seed: int, dtype: torch.dtype, device: torch.device) -> Iterator[Batch]:
    """Draw the networks 0 to cases − 1 of a seed."""
    for first in range(0, cases, CASES_PER_BATCH):
        yield _draw(first, min(CASES_PER_BATCH, cases - first), seed, dtype, device)


def batch_of(case: int, seed: int, dtype: torch.dtype, device: torch.device) -> Batch:
    """Draw one network of a seed again."""
    first = case - case % CASES_PER_BATCH
    return _draw(first, CASES_PER_BATCH, seed, dtype, device).case(case)


def _draw(first: int, cases: int, seed: int, dtype: torch.dtype, device: torch.device) -> Batch:
    """Draw whole batches, whatever is asked for, so that a case does not depend on how many follow it.

    The size of the hidden layer's parameters, of the output layer's, of the inputs and of the observations is
    log-uniform from 0.001 to 1000, independently of each other: networks that saturate and networks that are
    nearly linear, residuals that cancel and residuals that do not. n is log-uniform from 1 to 1000.
    One number in 32 is exactly zero.
    """
    generator = np.random.default_rng((seed, first // CASES_PER_BATCH))
    n = int(LARGEST ** generator.random())

    def draw(*shape: int, size: np.ndarray) -> Tensor:
        values = size * generator.uniform(-1, 1, (CASES_PER_BATCH, *shape))
        values[generator.random(values.shape) < 1 / 32] = 0
        return torch.from_numpy(values[:cases]).to(device, dtype)

    hidden, output, input_size, observed_size = LARGEST * 1e-6 ** generator.random((4, CASES_PER_BATCH))
    parameters = {name: draw(size=output if name in LESSON_WRT else hidden) for name in PARAMETERS}
    inputs = draw(n, size=input_size[:, None])
    return Batch(first, parameters, inputs, draw(n, size=observed_size[:, None]))
