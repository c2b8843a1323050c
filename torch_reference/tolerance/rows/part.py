"""A part of a large point, judged as a point of its own: by few draws, or by as many as it needs."""

from collections.abc import Iterable

from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.agreeing_rows import agreeing_row
from torch_reference.tolerance.movement import Tensors
from torch_reference.tolerance.rows.whole import Whole
from torch_reference.tolerance.unfinished import Unfinished, rows_left
from torch_reference.tolerance.verdicts import Tolerance

DRAWS = 4
FEW = {2: 5, 3: 4, 4: 2}
"""After so many draws a part of its rows may be left to be judged by themselves: one in so many, or fewer."""


def soon_settled(
    tolerance: Tolerance, whole: Whole, asked: Tensors, known: Iterable[Row] = ()
) -> tuple[dict[str, Row] | None, Tensor | None]:
    """(the rows, the numbers of those that are left) where some draws settle all but a few; else None.

    known are the rows of other parts: where each second row of theirs may be wrong, as where a column is,
    so many are not left here, and nothing is looked for but the draws made.
    """
    movement = tolerance.movement
    if any(is_wrong_in_many(row, whole) for row in known):
        movement.at_least_a_pair(DRAWS)
        return None, None
    open_ones = {name: Unfinished(movement, name, value, whole.allowed.rtol) for name, value in asked.items()}
    for draw in range(2, DRAWS + 1):
        movement.at_least_a_pair(draw)
        # A row that is left needs all its draws anew.
        left = rows_left(open_ones.values(), len(next(iter(asked.values()))) // FEW[draw])
        if left is not None:
            gradients = asked.keys() - set(whole.outputs)
            if any(tolerance.is_blunt(name, asked[name]) for name in gradients):
                break
            return {name: agreeing_row(open_ones[name], asked[name], left) for name in asked}, left
    return None, None


def is_wrong_in_many(row: Row, whole: Whole) -> bool:
    """Whether there are so many wrong elements that each second row may have one."""
    of_a_row = whole.results[row.name].numel() // whole.rows.number
    return row.verdict is Verdict.DIFFERS and 2 * row.wrong_elements * of_a_row >= row.elements


def all_rows(
    tolerance: Tolerance, whole: Whole, asked: Tensors, fewest: int, plainly: bool = False
) -> dict[str, Row]:
    """The rows by all draws that they need; an output is not inconclusive."""
    allowed, found = whole.allowed, dict[str, Row]()
    for is_output in (True, False):
        here = {name: value for name, value in asked.items() if (name in whole.outputs) is is_output}
        found |= tolerance.rows(
            here, fewest, allowed.rtol, allowed.accept, blunt=not is_output, plainly=plainly
        )
    return found
