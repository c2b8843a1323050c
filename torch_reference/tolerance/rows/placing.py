"""Some rows of a tensor, and what is said of them as said of the whole."""

from dataclasses import replace
from typing import Any

from torch import Tensor

from torch_reference.comparison import Row


def some(value: Tensor, here: Tensor) -> Tensor:
    """Some rows of a tensor; those that follow each other without a copy.

    Shapes: here, their numbers
    """
    if len(here) and bool((here.diff() == 1).all()):
        return value[int(here[0]) : int(here[-1]) + 1]
    return value[here.to(value.device)]


def times(weight: float, value: Tensor) -> Tensor:
    """The product, without a copy where that is the value itself."""
    return value if weight == 1 else weight * value


def placed(row: Row, here: Tensor, weight: float) -> Row:
    """A part's row as one of the whole.

    Shapes: here, the numbers of the part's rows; weight is that by which its numbers are multiplied
    """

    def weighted(number: Any) -> Any:
        return None if number is None else number * weight

    index = (int(here[row.index[0]]), *row.index[1:]) if row.index else ()
    return replace(
        row,
        index=index,
        manual=weighted(row.manual),
        reference=weighted(row.reference),
        difference=weighted(row.difference),
        bound=weighted(row.bound),
    )
