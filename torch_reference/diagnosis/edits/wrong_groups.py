"""Wrong derivatives that mix up what belongs together: the heads of attention, the groups of a norm."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from torch_reference.diagnosis.edits.wrong_derivatives import Place, Wrong, with_derivative_of

REPEATED = {"repeat_interleave", "repeat", "expand", "tile"}
TURNED = {"transpose", "permute", "movedim", "swapaxes"}
TIMES = (2, 3, 4)
PARTS = {"": (True, True), "in the mean ": (True, False), "in the variance ": (False, True)}
"""Which of the two averages is wrong; each way needs words of its own."""

Group = tuple[tuple[int, ...], tuple[int, ...]]
"""A shape, and the dimensions of it over which is averaged."""


def wrong_heads(name: str, x: Tensor, result: Tensor) -> Iterator[tuple[str, Wrong]]:
    """(what is said before the call, the wrong derivative) where copies of heads are made, or heads moved."""
    if name in REPEATED and x.ndim == result.ndim:
        for dimension in range(x.ndim):
            few, many = x.shape[dimension], result.shape[dimension]
            if 1 < few < many and many % few == 0:
                yield "neighbours for every ", in_another_order(dimension, interleaved=True)
                yield "every for neighbours in ", in_another_order(dimension, interleaved=False)
    if name in TURNED and result.ndim > 2 and x.shape != result.shape:
        yield "reshaped where it is turned in ", only_reshaped


def in_another_order(dimension: int, interleaved: bool) -> Wrong:
    """Copies one beside the other, or all once and then again."""

    def wrong(place: Place) -> Tensor:
        times = place.result.shape[dimension] // place.x.shape[dimension]
        if interleaved:
            copies = place.x.repeat_interleave(times, dimension)
        else:
            copies = torch.cat([place.x] * times, dimension)
        return with_derivative_of(place.result, copies.expand_as(place.result))

    return wrong


def only_reshaped(place: Place) -> Tensor:
    """The same numbers in the same order, in the other shape."""
    return with_derivative_of(place.result, place.x.reshape(place.result.shape))


def wrong_groups(x: Tensor, dims: Sequence[int]) -> Iterator[tuple[str, Wrong]]:
    """(over what, the wrong derivative) of a normalisation whose averages are taken over something else.

    Shapes: x as it is normalised, over dims; group norm's is (rows, groups, the rest)
    """
    shape, last = tuple(x.shape), x.ndim - 1
    right = (shape, tuple(sorted(dim % x.ndim for dim in dims)))
    every = [
        (shape, tuple(over))
        for over in ([0], [last], range(1, x.ndim), [0, *range(2, x.ndim)], range(x.ndim))
    ]
    every += [(other, (2,)) for other in _other_groups(shape)]
    for form, over in dict.fromkeys(group for group in every if group != right):
        said = f"over {_said(over)} of {form}, not {_said(right[1])} of {shape}"
        for inside, scaled in ((False, ""), (True, "once scaled, ")):
            for part, both in PARTS.items():
                yield f"{scaled}{part}{said}", averaged_over(right, (form, over), inside, both)


def _said(dims: tuple[int, ...]) -> str:
    return f"dimension {dims[0]}" if len(dims) == 1 else f"dimensions {', '.join(map(str, dims))}"


def _other_groups(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(shape) == 3:
        rows, groups, rest = shape
        for times in TIMES:
            if rest % times == 0:
                yield rows, groups * times, rest // times
            if groups % times == 0:
                yield rows, groups // times, rest * times


def averaged_over(right: Group, over: Group, inside: bool, wrong_ones: tuple[bool, bool]) -> Wrong:
    """d_x = r (d − M d − h M(d h)), the averages M over other elements; of r d where r is inside."""

    def wrong(place: Place) -> Tensor:
        h = place.result.detach()
        centred = place.x.detach() - place.x.detach().mean(right[1], keepdim=True)
        # h = centred · r, with the ε that is in it.
        r = (h * centred).mean(right[1], keepdim=True) / (centred * centred).mean(right[1], keepdim=True)
        first, second = (over if each else right for each in wrong_ones)
        # Of each term the adjoint is what the backward pass computes.
        y = place.x if inside else r * place.x
        term = y - _average(y, first) - h * _average(h * y, second)
        return with_derivative_of(place.result, r * term if inside else term)

    return wrong


def _average(y: Tensor, group: Group) -> Tensor:
    shape, dims = group
    return y.reshape(shape).mean(dims, keepdim=True).expand(shape).reshape(y.shape)
