"""A student's own forward pass, in which an operation is another one, though each derivative is right.

Tried in small networks only, where somebody has written each operation by hand.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import torch
from torch import Tensor

from torch_reference.diagnosis.edits.editor import Call, Edit
from torch_reference.diagnosis.edits.naming import Named, same
from torch_reference.diagnosis.edits.reference_edits import PRODUCTS_BY_ELEMENT
from torch_reference.diagnosis.edits.written_by_hand import MOST_CALLS, SUMS
from torch_reference.diagnosis.edits.wrong_derivatives import Place, Wrong

KIND = "another forward pass"


def wrong_forwards(
    calls: Sequence[Call], others: Sequence[Tensor], named: Named
) -> Iterator[tuple[Edit, ...]]:
    """Every such mistake at one call, then the same at two, and two parameters exchanged."""
    if len(calls) > MOST_CALLS:
        return
    sums = [list(_of_a_sum(number, calls, named)) for number in range(len(calls))]
    yield from ((edit,) for each in sums for edit in each)
    for number, call in enumerate(calls):
        if _is(call, PRODUCTS_BY_ELEMENT):
            for argument in (0, 1):
                for place, tensor in enumerate(others):
                    if _fits(tensor, call, argument):
                        yield (_replaced(number, argument, place, calls, named, others),)
    for one, other in combinations([each for each in sums if each], 2):
        yield from zip(one, other, strict=False)
    yield from _exchanged(calls, others, named)


def _of_a_sum(number: int, calls: Sequence[Call], named: Named) -> Iterator[Edit]:
    call = calls[number]
    if not _is(call, SUMS):
        return
    for argument in (1, 0):
        what = named(call.tensors[argument])
        where = named.call(number)
        if call.tensors[1 - argument].shape == call.result.shape:
            yield Edit(KIND, number, argument, f"without {what} in {where}", _operand_times(0))
        yield Edit(KIND, number, argument, f"the other sign of {what} in {where}", _operand_times(-1))


def _replaced(
    number: int, argument: int, place: int, calls: Sequence[Call], named: Named, others: Sequence[Tensor]
) -> Edit:
    call = calls[number]
    right, taken = named(call.tensors[argument]), named(others[place])
    where = f"{taken} for {right} in {named.call(number)}"
    return Edit(KIND, number, argument, where, _operand_for(place))


def _exchanged(calls: Sequence[Call], others: Sequence[Tensor], named: Named) -> Iterator[tuple[Edit, ...]]:
    """Two weights, each in the other's product."""
    places = [
        (number, argument)
        for number, call in enumerate(calls)
        if _is(call, PRODUCTS_BY_ELEMENT)
        for argument in (0, 1)
        if call.parameters[argument]
    ]
    for (i, one), (j, other) in combinations(places, 2):
        mine, yours = calls[i].tensors[one], calls[j].tensors[other]
        if mine.shape != yours.shape:
            continue
        at = [_place_of(tensor, others) for tensor in (yours, mine)]
        if None not in at:
            yield tuple(
                _replaced(number, argument, int(place or 0), calls, named, others)
                for (number, argument), place in zip(((i, one), (j, other)), at, strict=True)
            )


def _place_of(tensor: Tensor, others: Sequence[Tensor]) -> int | None:
    return next((place for place, other in enumerate(others) if other.data_ptr() == tensor.data_ptr()), None)


def _is(call: Call, names: set[str]) -> bool:
    return call.name in names and len(call.tensors) == 2


def _fits(other: Tensor, call: Call, argument: int) -> bool:
    own = call.tensors[argument]
    alike = other.shape == own.shape and other.is_floating_point()
    return alike and not same(other, own) and not same(other, call.result)


def _operand_times(factor: int) -> Wrong:
    def wrong(place: Place) -> Tensor:
        return _with_value(place, place.call({place.argument: factor * place.x}))

    return wrong


def _operand_for(number: int) -> Wrong:
    def wrong(place: Place) -> Tensor:
        return _with_value(place, place.call({place.argument: place.others[number].detach()}))

    return wrong


def _with_value(place: Place, value: Tensor) -> Tensor:
    """Another value, from here on; the derivative of this call is the right one."""
    if value.shape != place.result.shape:
        value = torch.broadcast_to(value, place.result.shape)
    return value.detach() + place.result - place.result.detach()
