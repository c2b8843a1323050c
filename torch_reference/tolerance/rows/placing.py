"""Some rows of a tensor, and what is said of them as said of the whole."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from torch_reference.comparison import Row, Verdict


def some(value: Tensor, here: Tensor) -> Tensor:
    """Some rows of a tensor; those that follow each other without a copy.

    Shapes: here, their numbers
    """
    if len(here) and bool((here.diff() == 1).all()):
        return value[int(here[0]) : int(here[-1]) + 1]
    return value[here.to(value.device)]


def as_alone(value: Tensor, here: Tensor, weight: float) -> Tensor:
    """Some rows, as a part alone makes them: its gradients of a mean are larger.

    Shapes: here, the numbers of the part's rows; weight is that by which its numbers are multiplied
    """
    return some(value, here) if weight == 1 else some(value, here).double() / weight


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


def together(rows: Sequence[Row], elements: int) -> Row:
    """The row of the gravest part, with the numbers of all; of lost digits one part tells, with its own."""
    wrong = [row for row in rows if not row.agrees]
    worst = max(wrong or rows, key=lambda row: (row.verdict is Verdict.DIFFERS, row.ratio or 0.0))
    return replace(
        worst,
        explanation=worst.explanation or next((row.explanation for row in rows if row.explanation), ""),
        elements=worst.elements if worst.verdict is Verdict.LOSES_DIGITS else elements,
        wrong_elements=sum(row.wrong_elements for row in rows),
        bluntness=max((row.bluntness for row in rows if row.bluntness is not None), default=None),
    )
