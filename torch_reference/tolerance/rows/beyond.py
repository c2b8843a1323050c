"""What is wrong everywhere: how many of its numbers are beyond the floors of a sample, and the farthest.

That it is wrong a part of the rows has proved, by all draws that it needs. Of the others there is only to be
said how many numbers differ, and by how much. A floor is less than a bound, by so many times at most as in
the sample: what is beyond that is counted, and what lies between the two has to be a small part of it.
"""

import math

import numpy as np
import torch
from torch import Tensor

from torch_reference.comparison import Row, Verdict
from torch_reference.tolerance.differences import difference
from torch_reference.tolerance.rows.sample import Sample
from torch_reference.tolerance.rows.settled import largest_of_rows

DOUBTFUL = 10
"""One in so many that are beyond their floors may be within its bound, and is not counted."""


def row_beyond(sample: Sample, value: Tensor, proved: Tensor) -> Row | None:
    """The row of a result without the rows that have proved it wrong; None where these floors do not tell.

    Shapes: value, all of the result; proved, the numbers of those rows
    """
    bounds = sample.bound / sample.floors(sample.whole[sample.here.to(sample.whole.device)])
    sure = float(bounds.amax())
    farthest, counts, doubtful = list[Tensor](), list[Tensor](), 0
    parts = value.tensor_split(len(sample.blocks))
    for part, own, rows in zip(parts, sample.blocks, sample.rows, strict=True):
        ratio = difference(part, own).abs_().div_(sample.floors(own, rows))
        farthest.append(largest_of_rows(ratio))
        doubtful += int((ratio > 1).count_nonzero())
        counts.append((ratio > sure).reshape(len(ratio), -1).sum(1))
    of_rows, wrong = torch.cat(farthest), torch.cat(counts)
    is_told = DOUBTFUL * int(wrong.sum()) >= (DOUBTFUL - 1) * doubtful
    if not is_told or not math.isfinite(float(of_rows.sum())):
        return None
    others = torch.ones_like(of_rows).index_fill_(0, proved.to(of_rows.device), 0)
    number = int((of_rows * others).argmax())
    one, right = value[number : number + 1], sample.whole[number : number + 1]
    floors, off = sample.floors(right), difference(one, right).abs()
    place, count = int((off / floors).argmax()), int((wrong * others).sum())
    manual, reference, apart, bound = (float(each.flatten()[place]) for each in (one, right, off, floors))
    return Row(
        sample.name,
        Verdict.DIFFERS if count else Verdict.AGREES,
        manual=manual,
        reference=reference,
        difference=apart,
        bound=bound,
        ratio=apart / bound,
        index=(number, *map(int, np.unravel_index(place, off.shape)[1:])),
        wrong_elements=count,
        elements=int(others.sum()) * right.numel(),
    )
