"""What an author may do in 16 bits and a formula shows in float64: tables and constants, off everywhere."""

from torch import Tensor

DEVIATIONS = 4.0
"""What adds up to no more of them is independent."""
FEWEST = 16
"""Of fewer elements nothing is known."""
IS_OFF = 2.0**-20
"""Off by less than that part of itself no element is off; where roundings are, most are off."""


def looks_like_roundings(off: Tensor, expected: Tensor) -> bool:
    """Whether most elements are off, and independently of the elements themselves, which are not all zero.

    Shapes: both alike
    """
    along = off * expected
    are_independent = along.sum().abs() < DEVIATIONS * along.square().sum().sqrt()
    return off.numel() >= FEWEST and bool(are_independent) and is_everywhere(off, IS_OFF * expected.abs())


def is_everywhere(off: Tensor, noise: Tensor) -> bool:
    """Whether most elements are off by more than noise.

    Shapes: both alike
    """
    return bool((off.abs() > noise).double().mean() > 0.5)
