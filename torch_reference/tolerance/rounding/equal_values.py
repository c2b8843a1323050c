"""Roundings that are the same where the values are: a function errs alike on equal arguments.

erf is as far off in a hundred equal elements as in one, and so is their sum, a hundred times; independent
roundings would average out in it. In the result of one operation equal elements get the same rounding here.
"""

import torch
from torch import Tensor

from torch_reference.tolerance.rounding.roundings import PLACES, Roundings

OFTEN = 8.0
"""So many equals an element has, on average, where sums show it: √8 times as far off as independent ones."""
IN_16_BITS = 1 / 128
"""Such a part of all elements are its equals, where there are few numbers: of normal ones it is 1/600."""
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
ODD = 0x9E3779B97F4A7C15 - 2**64  # the golden ratio, as in Fibonacci hashing; wraps as an int64


class RoundingsOfValues(Roundings):
    """The roundings of one draw, as a function of what is rounded."""

    def _stretch(self, pool: Tensor, like: Tensor) -> Tensor:
        bits = like.contiguous().view(BITS[like.element_size()]).to(torch.int64)
        power = len(pool).bit_length() - 1
        hashed = (bits + self.random.randrange(PLACES)).mul_(ODD) >> 64 - power
        return pool[hashed.bitwise_and_((1 << power) - 1)]


def is_often_equal(value: Tensor) -> bool:
    """Whether most elements of a tensor, but for zeros, which do not round, have several equals in it.

    Shapes: any
    """
    if value.numel() < OFTEN or value.dtype == torch.bool or value.is_complex():
        return False
    least = max(OFTEN, value.numel() * IN_16_BITS if value.element_size() == 2 else 0.0)
    values, counts = value.flatten().unique(return_counts=True)  # type: ignore[no-untyped-call]
    return bool(counts[values != 0].double().square().sum() >= least * value.numel())
