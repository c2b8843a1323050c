"""Further mistakes at one call: another function, another factor, another index, what comes from above."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from torch_reference.diagnosis.edits import wrong_derivatives, wrong_factors
from torch_reference.diagnosis.edits.other_functions import LOGARITHMIC, OUTPUT_SLOPES, SLOPES, VALUES
from torch_reference.diagnosis.edits.reference_edits import (
    ELEMENTWISE,
    PRODUCTS,
    PRODUCTS_BY_ELEMENT,
    Call,
    Edit,
)
from torch_reference.diagnosis.edits.wrong_derivatives import Wrong
from torch_reference.diagnosis.edits.wrong_groups import wrong_groups, wrong_heads

STEPS = {"round", "sign", "sgn", "floor", "ceil", "trunc"}
INDEXING = {"getitem", "embedding", "index_select", "gather"}
OF_OTHERS = {"another factor", "input for the activation", "activation for the input"}
LATE = OF_OTHERS | {"another function", "last rows left out"}
MOST_FACTORS, MOST_CALLS = 80, 60
BLOCKS = (1, 2, 4, 8, 16, 32, 64)


def further_edits(calls: Sequence[Call], others: Sequence[Tensor]) -> Iterator[Edit]:
    """Every edit of these kinds that makes sense at these calls; others are all tensors that they met."""
    count = 0
    for number, call in enumerate(calls[:MOST_CALLS]):
        where = f"{call.name}, call {number + 1} of {len(calls)}"
        for kind, said, way in (
            *_of_a_function(call),
            *_of_an_index(call),
            *_mixed_up(call),
            *_from_above(call),
        ):
            yield Edit(kind, number, call.differentiable[0], f"{said}{where}", way)
        if call.name in PRODUCTS and len(call.tensors) >= 2:
            for argument in (0, 1):
                for kind, said, way in _of_a_factor(call, argument, calls, others):
                    count += 1
                    if count <= MOST_FACTORS:
                        yield Edit(kind, number, argument, f"{said}{where}", way)


def in_every_call(calls: Sequence[Call]) -> Iterator[tuple[Edit, ...]]:
    """The same other function wherever one is called more than once."""
    for name in dict.fromkeys(call.name for call in calls if call.name in ELEMENTWISE):
        places = [number for number, call in enumerate(calls) if call.name == name]
        if len(places) < 2:
            continue
        every = [list(_of_a_function(calls[number])) for number in places]
        where = f"{name}, in each of its {len(places)} calls"
        for made in zip(*every, strict=False):
            yield tuple(
                Edit(kind, number, calls[number].differentiable[0], f"{said}{where}", way)
                for number, (kind, said, way) in zip(places, made, strict=True)
            )


def _of_a_function(call: Call) -> Iterator[tuple[str, str, Wrong]]:
    if len(call.differentiable) != 1:
        return
    if call.name in STEPS:
        yield "straight-through", "", wrong_derivatives.derivative_missing
    if call.name not in ELEMENTWISE or call.result.shape != call.tensors[call.differentiable[0]].shape:
        return
    for said, slope in SLOPES.items():
        yield "derivative of another function", f"of {said}: ", wrong_factors.another_slope(slope)
    for said, slope in OUTPUT_SLOPES.items():
        way = wrong_factors.another_slope(slope, at_the_output=True)
        yield "derivative of another function", f"of {said}: ", way
    for own_slope in (True, False):
        for said, value in VALUES.items():
            yield "another function", f"{said} for ", wrong_factors.another_function(value, own_slope)
        if call.name in LOGARITHMIC:
            yield "another function", "the logarithm to base 10 in ", wrong_factors.another_base(own_slope)


def _of_an_index(call: Call) -> Iterator[tuple[str, str, Wrong]]:
    if call.name in INDEXING and any(not tensor.is_floating_point() for tensor in call.tensors):
        yield "repeated index overwritten", "", wrong_factors.last_occurrence


def _mixed_up(call: Call) -> Iterator[tuple[str, str, Wrong]]:
    if not call.differentiable:
        return
    x = call.tensors[call.differentiable[0]]
    for said, way in wrong_heads(call.name, x, call.result):
        yield "wrong head", said, way
    if call.normalises:
        for said, way in wrong_groups(x, call.normalises):
            yield "wrong group", f"{said}: ", way


def _from_above(call: Call) -> Iterator[tuple[str, str, Wrong]]:
    if not call.differentiable:
        return
    yield "upstream forgotten", "", wrong_factors.upstream_of_ones
    if call.result.numel() > 1:
        yield "one upstream element for all", "", wrong_factors.upstream_of_one_element
    if call.result.ndim and len(call.result) > 1:
        rows = len(call.result)
        for block in dict.fromkeys(
            block for block in BLOCKS if block == 1 or (block < rows and rows % block)
        ):
            yield (
                "last rows left out",
                f"the last {rows % block or 1} of ",
                wrong_factors.last_rows_left_out(block),
            )


def _of_a_factor(
    call: Call, argument: int, calls: Sequence[Call], others: Sequence[Tensor]
) -> Iterator[tuple[str, str, Wrong]]:
    own = call.tensors[argument]
    if own.ndim and len(own) > 1:
        yield "product of sums", "", wrong_factors.product_of_sums
        if own.shape[-1] > 1:
            yield "another factor", "the columns in the opposite order in ", wrong_factors.factor_flipped
    if call.name in PRODUCTS_BY_ELEMENT and own.ndim == 2 and own.shape != own.mT.shape:
        yield "row for column", "", wrong_derivatives.factor_transposed
    into = [other.tensors for other in calls if other.result is own and other.name in ELEMENTWISE]
    out_of = [other.result for other in calls if _first(other) is own and other.name in ELEMENTWISE]
    for number, other in enumerate(others):
        if other.shape != own.shape or not other.is_floating_point() or _same(other, own):
            continue
        kind = "another factor"
        if any(_same(other, tensor) for tensors in into for tensor in tensors):
            kind = "input for the activation"
        elif any(_same(other, result) for result in out_of):
            kind = "activation for the input"
        yield kind, f"{_described(other, number, calls)} in ", wrong_factors.another_factor(number)


def _described(tensor: Tensor, number: int, calls: Sequence[Call]) -> str:
    """Where a tensor comes from: a parameter, a call; each has another description."""
    for place, call in enumerate(calls):
        if _same(call.result, tensor):
            return f"the result of {call.name} (call {place + 1})"
        for own, name in zip(call.tensors, call.parameters, strict=True):
            if name and _same(own, tensor):
                return name
    return f"input {number}"


def _first(call: Call) -> Tensor:
    return call.tensors[call.differentiable[0]] if call.differentiable else call.result


def _same(one: Tensor, other: Tensor) -> bool:
    """The same memory: what is kept of a run is detached."""
    return one.data_ptr() == other.data_ptr() and one.shape == other.shape
