"""Other sizes than the given ones: no row, one, many; one column, and more than a block holds.

Only sizes that the reference takes, at a point where it is smooth. What the function forbids it refuses, and
where most of an output is another one the size is written into it, of which a report warns.
"""

from collections.abc import Iterator
from itertools import product
from time import thread_time

from torch_reference.check.ways.elsewhere import parted
from torch_reference.check.ways.elsewhere.broadcast import broadcast, one_for_all
from torch_reference.check.ways.elsewhere.resizing import LARGE, PRIME, Places, resized, rows_together, takes
from torch_reference.check.ways.near import near
from torch_reference.check.ways.points import at_point
from torch_reference.check.ways.session import Attempt, Session
from torch_reference.judging.calls.arguments import Tensors
from torch_reference.judging.calls.cuts import Calls, elements
from torch_reference.judging.scalar_objective import reference_gradients
from torch_reference.layers.own_generator import own_generator

BEYOND = (1031, 521, 263, 131, 67, PRIME)
"""Numbers a little beyond those of blocks, the largest first that makes no more numbers than these."""
EVEN = (1030, 522, 262, 130, 66, PRIME + 1)
"""The same where an odd number was given: by steps of two their last window ends elsewhere."""
MOST_INPUTS, MOST_OUTPUTS, MOST_LENGTHS = 2**13, 2**14, 2
FEW = 3
"""So many rows are enough where columns are many."""
MOST_WANTED = 6
"""A module of more parameters is many operations, of which none is a kernel of the module's own."""
LONG, MANY_CALLS = 0.1, 1000
"""Where to look at a point takes so many seconds, or calls of torch's functions, as a loop over columns does,
a smaller one is enough: in 16 bits what is wrong after 500 steps of a recurrent network took minutes."""


def with_rows(session: Session) -> Iterator[Attempt]:
    """No row, one row, a number of rows that no block size divides, and more than the blocks of a kernel.

    None fewer than were given where an index that is out of range would do harm.
    """
    places, count = rows_together(session)
    if not count or max(value.numel() for value in session.inputs.values()) > LARGE:
        return
    for what, rows in (("no row", 0), ("one row", 1), (f"{PRIME} rows", PRIME)):
        if rows < count and not session.may_shrink:
            continue
        on_error = "fails" if rows == PRIME else "warns"
        is_broadcast = rows == 1 and _is_for_all(session, session.inputs, places, count)
        for attempt in at_size(session, what, resized(session.inputs, places, rows), on_error):
            yield attempt._replace(warns=is_broadcast)
    if len(session.wanted) <= MOST_WANTED:
        yield from _beyond(session, session.inputs, places, count, "rows")
        yield from _each_alone(session, session.inputs, places, "rows")


def with_columns(session: Session) -> Iterator[Attempt]:
    """One column, and more than a kernel's block, in all dimensions of one length that go together.

    Then vectors of one number where there was one for each column, and the other way; and one row for all.
    """
    sized = session.sized
    most = max((value.ndim for value in sized.values()), default=0)
    largest = [value for value in sized.values() if value.ndim == most > 1]
    lengths = dict.fromkeys(length for value in largest for length in reversed(value.shape[1:]))
    rows, count = rows_together(session)
    starts = [session.inputs]
    if count > FEW and session.may_shrink:
        starts.insert(0, resized(session.inputs, rows, FEW))
    for length in list(lengths)[:MOST_LENGTHS]:
        for start, places in product(starts, _going_together(sized, length, most)):
            if not places.keys() & session.data.keys():
                continue
            may_be_one = length != 1 and session.may_shrink
            few = list(_one(session, start, places, length)) if may_be_one else []
            if length > 2 and session.may_shrink:
                few += at_size(session, "two columns", resized(start, places, 2))
            found = [attempt._replace(roughly=True) for attempt in few]  # of which hardly anything is left
            beyond = list(_beyond(session, start, places, length, "columns"))
            yield from found + beyond
            if beyond:
                yield from _each_alone(session, start, places, "columns")
                break
    yield from broadcast(session)
    yield from one_for_all(session)


def _each_alone(session: Session, start: Tensors, places: Places, what: str) -> Iterator[Attempt]:
    """One input alone, as queries of another number than keys are, or one worker's part of a batch.

    What has one number there is taken for all of the other's, which a function may not have in mind.
    """
    for name, dims in places.items() if len(places) > 1 else ():
        if elements_at(start, {name: dims}, PRIME) <= MOST_INPUTS:
            inputs = resized(start, {name: dims}, PRIME)
            is_broadcast = all(start[name].shape[dim] == 1 for dim in dims)
            for attempt in at_size(session, f"{PRIME} {what} of {name}", inputs, "refused"):
                yield attempt._replace(warns=is_broadcast)


def _going_together(inputs: Tensors, length: int, most: int) -> Iterator[Places]:
    """All dimensions of that length but the rows', then the last ones alone, then all."""
    every = {
        name: [dim for dim, size in enumerate(value.shape) if size == length]
        for name, value in inputs.items()
    }
    inner = {name: [dim for dim in dims if dim or inputs[name].ndim < most] for name, dims in every.items()}
    last = {name: [inputs[name].ndim - 1] for name, dims in inner.items() if inputs[name].ndim - 1 in dims}
    tried: list[Places] = []
    for places in (inner, last, every):
        places = {name: dims for name, dims in places.items() if dims}
        if places and places not in tried:
            tried.append(places)
            yield places


def _is_for_all(session: Session, start: Tensors, places: Places, length: int) -> bool:
    """Whether one is taken for all of something else, as where no other number of them is taken.

    Of an addition's rows a function may not have that in mind: it is none of its sizes.
    """
    return not any(takes(session, resized(start, places, size)) for size in (2, length + 1) if size != length)


def _one(session: Session, start: Tensors, places: Places, length: int) -> Iterator[Attempt]:
    is_broadcast = _is_for_all(session, start, places, length)
    for attempt in at_size(session, "one column", resized(start, places, 1)):
        # Where values alone tell the derivative, and they are constant, a kink would not be seen.
        names = {name: tuple(attempt.point[name].shape) for name in session.wanted}
        if not getattr(session.objective.function, "finds_kinks", False) or any(
            bool(value.any())
            for value in reference_gradients(session.objective, attempt.point, names).values()
        ):
            yield attempt._replace(warns=is_broadcast)


def _beyond(session: Session, start: Tensors, places: Places, length: int, what: str) -> Iterator[Attempt]:
    """The first size that the reference takes; for what has to be divided, as into heads, a multiple."""
    generator = own_generator(0)
    of_its_own = [length * (size // length) for size in BEYOND if length < size]
    found: list[Attempt] = []
    on_error = "fails" if what == "rows" else "warns"
    for size in dict.fromkeys([*(EVEN if length % 2 else BEYOND), *of_its_own]):
        if size <= length or elements_at(start, places, size) > MOST_INPUTS:
            continue
        point = {
            name: near(value, generator) if name in places and name in session.wanted else value
            for name, value in resized(start, places, size).items()
        }
        since = thread_time()
        with Calls() as calls:
            found = list(at_size(session, f"{size} {what}", point, on_error)) or found
        if found and thread_time() - since < LONG and not _loops(session, calls.count):
            break
    yield from found


def _loops(session: Session, count: int) -> bool:
    """Whether so many calls are many, and more than where it was given, as of no fixed number of steps."""
    if count < MANY_CALLS:
        return False
    with Calls() as calls:
        session.objective.looked_at(session.inputs, ())
    return count > 2 * calls.count


def at_size(session: Session, what: str, point: Tensors, on_error: str = "warns") -> Iterator[Attempt]:
    """The attempt there, where that makes no more outputs than are judged soon."""
    point = parted(session.inputs, point)
    for attempt in at_point(session, f"with {what}", point):
        if elements(attempt.point) - elements(point) <= MOST_OUTPUTS:
            # Its sizes may be its own.
            yield attempt._replace(may_refuse=True, resized=True, on_error=on_error)


def elements_at(inputs: Tensors, places: Places, size: int) -> int:
    """How many numbers the inputs have where these dimensions are of that size."""
    total = 0
    for name, value in inputs.items():
        numbers = value.numel()
        for dim in places.get(name, ()):
            numbers = numbers // max(value.shape[dim], 1) * size
        total += numbers
    return total
