"""All rows, judged without draws of their own, by what the roundings of a sample of them say (sample.py).

Most of them, or it is no use: a row that is left is judged by draws, and where many are, all are.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from torch_reference.comparison import Row
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.movement import Movement, Tensors
from torch_reference.tolerance.rounding.exact_run import exactly
from torch_reference.tolerance.rounding.roundings import unit
from torch_reference.tolerance.rows.added_up import AddedUp, NotByRowsError, is_same
from torch_reference.tolerance.rows.beyond import row_beyond
from torch_reference.tolerance.rows.least import COPIES, DRAWS
from torch_reference.tolerance.rows.numbers import Numbers
from torch_reference.tolerance.rows.placing import some, times
from torch_reference.tolerance.rows.sample import Sample
from torch_reference.tolerance.rows.settled import MOST, SHARP, Settled, largest_of_rows
from torch_reference.tolerance.rows.whole import Whole

ROWS = 64
"""Of fewer rows no sample is taken."""


class Others(NamedTuple):
    """What is said of all: the rows of the results that have rows, those of the others, and who is left.

    wrong are the results whose sums are right but for the rows that are left: of these some must be wrong.
    beyond are the rows of what is known to be wrong, but for the sample's.
    """

    of_rows: dict[str, Row]
    shared: dict[str, Row]
    left: Tensor
    wrong: list[str]
    beyond: dict[str, Row]


def takes_a_sample(whole: Whole, actual: Tensors, here: Tensor) -> bool:
    """Whether few rows may say what is to be said of all: not where many of them are outside of any floor."""
    if whole.allowed.rtol or whole.rows.number < ROWS or len(here) < 2:
        return False
    for name in actual.keys() & whole.rows.results:
        value, right = some(actual[name], here), some(whole.results[name], here)
        furthest, sizes = largest_of_rows(difference(value, right).abs()), largest_of_rows(right.abs())
        if MOST * int((furthest > unit(value.dtype) ** SHARP * sizes).sum()) > len(here):
            return False
    return True


def by_sample(
    whole: Whole,
    actual: Tensors,
    movement: Movement,
    here: Tensor,
    weights: Mapping[str, float],
    known: Tensors,
) -> Others | None:
    """What the sample's movement says of all rows; None where it settles too few of them.

    Shapes: here, the numbers of the sample's rows, of whose copies the movement is, as Sample has it; known,
            what these rows have proved to be wrong everywhere
    """
    number = whole.rows.number
    movement.squares = {name: torch.zeros_like(value) for name, value in movement.expected.items()}
    movement.at_least_a_pair(DRAWS)
    settled: dict[str, Settled] = {}
    for name in actual.keys() & weights.keys():
        sample = _sample(whole, movement, name, weights[name], here)
        one = sample.settled(actual[name]) if sample.is_sharp else None
        if one is None:
            return None
        settled[name] = one
    inside = torch.stack([one.inside for one in settled.values()]).all(0)
    left = (~inside).nonzero().flatten()
    if len(left) > number // MOST:
        return None
    try:
        shared = _shared(whole, actual, movement, here) if whole.shared else {}
    except NotByRowsError:  # as all rows may yet tell
        return None
    wrong = [name for name, one in settled.items() if not one.sums_hold]
    samples = {name: _sample(whole, movement, name, weights[name], here) for name in known}
    beyond = {
        name: row
        for name, one in samples.items()
        if isinstance(one, Sample) and one.is_sharp and (row := row_beyond(one, known[name], here))
    }
    return Others({name: one.row for name, one in settled.items()}, shared, left, wrong, beyond)


def _sample(whole: Whole, movement: Movement, name: str, weight: float, here: Tensor) -> Sample | Numbers:
    if whole.rows.shape:
        return Numbers(movement, name, weight, here, whole.results[name], whole.rows.shape)
    return Sample(movement, name, weight, here, whole.results[name])


def _shared(whole: Whole, actual: Tensors, movement: Movement, here: Tensor) -> dict[str, Row]:
    """The rows of what belongs to no row: as the halves of the sample add up to it, so do all rows."""
    share, halves = COPIES * len(here) / whole.rows.number, here.tensor_split(2)
    found = [exactly(whole.reference, whole.some(half)) for half in halves]
    for is_mean in (False, True):
        weights = [len(half) / len(here) if is_mean else COPIES for half in halves]
        one = AddedUp(whole.shared, whole.results, whole.rows.number)
        one.add(movement, share if is_mean else 1.0)
        parts = {
            name: times(weights[0], found[0][name]) + times(weights[1], found[1][name])
            for name in whole.shared
        }
        if all(is_same(part, movement.expected[name]) for name, part in parts.items()):
            one.scale(whole.results, share)
            return {name: one.row(name, actual[name], whole) for name in whole.shared if name in actual}
    raise NotByRowsError
