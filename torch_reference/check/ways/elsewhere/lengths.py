"""Each length: of columns, of heads, of keys, of what a matrix puts out, with what has to go with it.

A kernel has a block along each of them. Rows have a way of their own, as columns have for more of them.
"""

from collections.abc import Iterator
from itertools import islice
from time import thread_time

from torch_reference.check.ways.elsewhere.resizing import PRIME, Places, resized, rows_together, takes
from torch_reference.check.ways.near import near
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.check.ways.sizes import LONG, MOST_INPUTS, MOST_WANTED, at_size, elements_at
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.layers.own_generator import own_generator

MOST = 6
"""So many lengths are tried."""
MOST_OF_A_GAIN = 2
"""What has more dimensions may be a window's weights, of which one may be one number long."""


def with_lengths(session: Session) -> Iterator[Attempt]:
    """Each dimension longer than a small block, alone or with those that go with it.

    What was one number long may have been meant for all of something else: of that a report warns.
    """
    if len(session.wanted) > MOST_WANTED:
        return
    for places, size in islice(_taken(session), MOST):
        generator = own_generator(0)
        inputs = {
            name: near(value, generator) if name in places and name in session.wanted else value
            for name, value in resized(session.inputs, places, size).items()
        }
        told = ", ".join(f"{name} (dimension {', '.join(map(str, dims))})" for name, dims in places.items())
        is_one = all(session.data[name].shape[dim] == 1 for name, dims in places.items() for dim in dims)
        for attempt in at_size(session, f"{size} in {told}", inputs, "warns"):
            yield attempt._replace(warns=is_one)


def _taken(session: Session) -> Iterator[tuple[Places, int]]:
    """The dimensions that grow together, and to what, as the reference takes it first."""
    rows, _ = rows_together(session)
    done = {(name, dim) for name, dims in rows.items() for dim in dims}
    every = [
        (name, dim, length) for name, value in session.data.items() for dim, length in enumerate(value.shape)
    ]
    for name, dim, length in sorted(every, key=lambda each: each[2] == 1):
        if (name, dim) not in done and (length > 1 or session.data[name].ndim > MOST_OF_A_GAIN):
            since = thread_time()
            found = next((fit for fit in _fitting(session, name, dim) if _is_read(session, *fit)), None)
            if found is not None:
                done |= {(other, each) for other, dims in found[0].items() for each in dims}
                yield found
            if thread_time() - since > LONG:
                return


def _is_read(session: Session, places: Places, size: int) -> bool:
    """Whether the gradients of the reference are not zero throughout in what was added.

    What it ignores, as gates of more steps than a sequence has, nobody adds; of constants that is not known.
    """
    names = {name: dims for name, dims in places.items() if name in session.wanted}
    for attempt in at_point(session, "", resized(session.inputs, places, size)):
        shapes = {name: tuple(attempt.point[name].shape) for name in names}
        found = reference_gradients(session.objective, attempt.point, shapes)
        return not names or any(
            bool(found[name].narrow(dim, length := session.inputs[name].shape[dim], size - length).any())
            for name, dims in names.items()
            for dim in dims
        )
    return False


def _fitting(session: Session, name: str, dim: int) -> Iterator[tuple[Places, int]]:
    length = session.data[name].shape[dim]
    sizes = dict.fromkeys([PRIME, length * (PRIME // length), 2 * length + 1])
    for places in _going_with(session.data, name, dim):
        for size in sizes:
            is_larger = length < size and elements_at(session.inputs, places, size) <= MOST_INPUTS
            if is_larger and takes(session, resized(session.inputs, places, size)):
                yield places, size


def _going_with(inputs: Tensors, name: str, dim: int) -> Iterator[Places]:
    """It alone, with the same dimension of others, with all of that length in others, with all."""
    length = inputs[name].shape[dim]
    every = {
        other: [each for each, size in enumerate(value.shape) if size == length]
        for other, value in inputs.items()
    }
    alike = {other: [dim] for other, dims in every.items() if dim in dims}
    for places in ({name: [dim]}, alike, {**every, name: [dim]}, every):
        yield {other: dims for other, dims in places.items() if dims}
