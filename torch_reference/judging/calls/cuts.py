"""Which tensors of a point may have rows in common, and so may be cut together."""

from collections.abc import Iterator

from torch_reference.judging.calls.points import UPSTREAM, Tensors
from torch_reference.tolerance.by_rows import Rows

MANY = 2**15
"""Points of so many elements are judged whole, in every way of calling."""


def elements(point: Tensors) -> int:
    """How many numbers a point holds."""
    return sum(value.numel() for value in point.values())


def choices_of_rows(point: Tensors, results: Tensors) -> Iterator[Rows]:
    """What may have rows at a point, its results among it; none where it is not large.

    Shapes: results are those of what is judged
    """
    inputs = {name: value for name, value in point.items() if not name.startswith(UPSTREAM)}
    if elements(point) <= MANY:
        return
    for names, dims in cuts(inputs, 0):
        if any(dim != [0] for dim in dims.values()):
            continue
        count = len(inputs[names[0]])
        above = [
            name for name, value in point.items() if name.startswith(UPSTREAM) and value.shape[:1] == (count,)
        ]
        of_rows = [
            name
            for name, value in results.items()
            if name in names or (name not in inputs and value.shape[:1] == (count,))
        ]
        yield Rows((*names, *above), of_rows, count)


def cuts(inputs: Tensors, dim: int) -> Iterator[tuple[list[str], dict[str, list[int]]]]:
    """The tensors that may have to be cut together, and in which dimensions: the largest alone first."""
    most = max(value.ndim for value in inputs.values())
    sizes = {value.shape[dim] for value in inputs.values() if value.ndim > dim and value.shape[dim] > 2}
    for size in sorted(sizes, key=lambda size: -_numbers(inputs, dim, size)):
        every = [name for name, value in inputs.items() if value.ndim > dim and value.shape[dim] == size]
        largest = [name for name in every if inputs[name].ndim == most]
        for names in (largest, every):
            if names:
                yield names, {name: [dim] for name in names}
        square = {
            name: [other for other, length in enumerate(inputs[name].shape) if length == size]
            for name in every
        }
        yield every, square


def _numbers(inputs: Tensors, dim: int, size: int) -> int:
    return sum(value.numel() for value in inputs.values() if value.ndim > dim and value.shape[dim] == size)
