"""One number for all columns in place of one for each, and the other way, as slopes may be.

And one row, or one column, for all of another input of the same shape.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from torch_reference.check.ways.near import near
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.diagnosis.random_draws import alike
from torch_reference.judging.calls.nests import real_pairs
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.layers.own_generator import own_generator


def broadcast(session: Session) -> Iterator[Attempt]:
    """Each vector of one number as long as rows or channels are, and each that is so long of one number."""
    largest = max(session.sized.values(), key=lambda value: value.ndim, default=None)
    if largest is None or largest.ndim < 2:
        return
    lengths = {length for length in (largest.shape[-1], largest.shape[1]) if length > 1}
    for name, value in session.data.items():
        if name in session.wanted and value.ndim == 1:
            for vector in _others(value, lengths):
                if not _is_for_all(session, name, vector[:1], max(len(value), len(vector))):
                    continue
                told = f"with {'one number' if len(vector) == 1 else f'{len(vector)} numbers'} for {name}"
                for attempt in at_point(session, told, {**session.inputs, name: real_pairs(vector)}):
                    yield attempt._replace(may_refuse=True, own_values=True)


def one_for_all(session: Session) -> Iterator[Attempt]:
    """One row, then one column, of each of several inputs, where the outputs keep their shapes.

    A function may not have that in mind: where its values are right, and its gradients not, a report warns.
    """
    shapes = [value.shape for name, value in session.data.items() if name in session.wanted]
    for name, value in session.data.items() if len(session.data) > 1 else ():
        is_vector = value.ndim < 2 and shapes.count(value.shape) < 2  # of which there is one number above
        if name not in session.wanted or value.numel() < 2 or is_vector:
            continue
        for what, dim in (("row", 0), ("column", -1))[: value.ndim]:
            inputs = {**session.inputs, name: real_pairs(value.narrow(dim, 0, 1).contiguous())}
            for attempt in at_point(session, f"with one {what} of {name} for all", inputs):
                if all(attempt.point[each].shape == above.shape for each, above in session.upstream.items()):
                    yield attempt._replace(may_refuse=True, own_values=True, warns=True)


def _is_for_all(session: Session, name: str, one: Tensor, count: int) -> bool:
    """Whether the reference makes the same of one number and of copies of it: of a softmax it does not."""
    try:
        few, many = (
            session.objective.looked_at({**session.inputs, name: real_pairs(vector)}, ())[0]
            for vector in (one, one.repeat(count))
        )
    except UserCodeError:
        return False
    return few.keys() == many.keys() and all(
        alike(value, many[name])
        if value.is_floating_point() or value.is_complex()
        else torch.equal(value, many[name])
        for name, value in few.items()
    )


def _others(value: Tensor, lengths: set[int]) -> Iterator[Tensor]:
    if len(value) == 1:
        for length in sorted(lengths):
            yield near(value.repeat(length), own_generator(0))
    elif len(value) in lengths:
        yield value[:1].clone()
