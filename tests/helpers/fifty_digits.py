"""Numbers of 50 digits, for what is written a second time from the documentation."""

import mpmath
from mpmath import mpf
from torch import Tensor

UNIT = 2.0**-53
MARGIN = 1 + 2.0**-20


def numbers(tensor: Tensor) -> list[mpf]:
    """Exactly what a vector holds."""
    return [mpf(value) for value in tensor.tolist()]


def near(found: float, expected: mpf, roundings: int, smallest_steps: int = 0) -> bool:
    """Whether a number is within so many roundings of another, and so many of the smallest steps."""
    with mpmath.workdps(50):
        allowed = roundings * UNIT * expected + smallest_steps * mpf(2) ** -1074
        return bool(abs(mpf(found) - expected) <= allowed)
