"""What is tried in the place of a flag, a number or a word."""

from collections.abc import Mapping
from typing import Any

OTHERS: Mapping[type, Mapping[Any, tuple[Any, ...]]] = {
    bool: {False: (True,), True: (False,)},
    int: {0: (1, -1, 0.5), 1: (2, 0, -1, 1.5), -1: (-2, 0)},
    float: {0.0: (0.25,), 1.0: (0.75, 0.0, 2.0, -1.0)},
}
"""What is tried in place of a value that hides most, where the reference takes that."""
WORDS = (
    *(("mean", "sum", "none"), ("none", "tanh"), ("sum", "mean", "prod", "amax", "amin")),
    *(("zeros", "border", "reflection"), ("constant", "reflect", "replicate", "circular")),
    *(("nearest", "linear", "bilinear", "bicubic", "area"), ("same", "valid"), ("trunc", "floor")),
    *(("backward", "forward", "ortho"), ("left", "right"), ("L", "U")),
)
"""The words that an option of torch's takes: its reductions, modes, paddings and norms."""


def other_values(given: Any) -> tuple[Any, ...]:
    """Of other integers one more, none, the negative one and 1; of other numbers half, none, the negative.

    More steps and a smaller error are no worse; a shift, an offset, a slope and an exponent have a sign. Of a
    number that is whole one more, too, for it may be an exponent; of an integer half more, where it may be
    a factor.

    >>> other_values(2), other_values(0.5), other_values("mean"), other_values("other")
    ((3, 0, -2, 1, 2.5), (0.25, 0.0, -0.5), ('sum', 'none', 'prod', 'amax', 'amin'), ())
    """
    kind = type(given)
    if kind in OTHERS and given in OTHERS[kind]:  # what is of another kind may have no hash
        return OTHERS[kind][given]
    if kind is str:
        others = (word for words in WORDS if given in words for word in words if word != given)
        return tuple(dict.fromkeys(others))
    if kind is int:
        return (given + 1, 0, -given, 1, given + 0.5)
    if kind is not float or given / 2 in (given, 0.0) or given != given:
        return ()
    return (given / 2, 0.0, *((given + 1,) if given.is_integer() else ()), -given)
