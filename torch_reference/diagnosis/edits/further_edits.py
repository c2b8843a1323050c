"""Further mistakes at one call: another function, another factor, another index, what comes from above."""

from collections.abc import Iterator, Sequence
from itertools import islice

from torch import Tensor

from torch_reference.diagnosis.edits import wrong_derivatives, wrong_factors
from torch_reference.diagnosis.edits.editor import Call, Edit
from torch_reference.diagnosis.edits.naming import Named, operand, same
from torch_reference.diagnosis.edits.other_functions import (
    BASES,
    LOGARITHMIC,
    OUTPUT_SLOPES,
    SLOPES,
    VALUES,
    itself,
)
from torch_reference.diagnosis.edits.reference_edits import (
    ELEMENTWISE,
    PRODUCTS,
    PRODUCTS_BY_ELEMENT,
    SOFTMAX,
    SQUARES,
)
from torch_reference.diagnosis.edits.written_by_hand import ELSEWHERE, TOO_MANY, slips_by_hand
from torch_reference.diagnosis.edits.written_by_hand import MOST_CALLS as SMALL
from torch_reference.diagnosis.edits.wrong_derivatives import Wrong
from torch_reference.diagnosis.edits.wrong_forward import KIND as FORWARD
from torch_reference.diagnosis.edits.wrong_forward import wrong_forwards
from torch_reference.diagnosis.edits.wrong_groups import wrong_groups, wrong_heads

STEPS = {"round", "sign", "sgn", "floor", "ceil", "trunc"}
INDEXING = {"getitem", "embedding", "index_select", "gather"}
OF_OTHERS = {
    "another factor",
    "input for the activation",
    "activation for the input",
    ELSEWHERE,
    TOO_MANY,
    FORWARD,
}
LATE = OF_OTHERS | {"another function", "last rows left out"}
MOST_FACTORS, MOST_CALLS = 80, 60
MOST_FACTORS_OF_A_SMALL_ONE = 400
BLOCKS = (1, 2, 4, 8, 16, 32, 64)


def further_edits(calls: Sequence[Call], others: Sequence[Tensor], named: Named) -> Iterator[Edit]:
    """Every edit of these kinds that makes sense at these calls; others are all tensors that they met."""
    count, small = 0, len(calls) <= SMALL
    most = MOST_FACTORS_OF_A_SMALL_ONE if small else MOST_FACTORS
    for number, call in enumerate(calls[:MOST_CALLS]):
        where = named.call(number)
        for kind, said, way in (
            *_of_a_function(call),
            *_of_an_index(call),
            *_mixed_up(call),
            *_from_above(call),
        ):
            yield Edit(kind, number, call.differentiable[0], f"{said}{where}", way)
        if call.name in PRODUCTS and len(call.tensors) >= 2:
            for argument in (0, 1):
                # To name those beyond them would take longer than to try these.
                every = islice(_of_a_factor(call, argument, calls, others, named), most - count)
                for kind, said, way in every:
                    count += 1
                    yield Edit(kind, number, argument, f"{said}{where}", way)
    yield from slips_by_hand(calls, others, named)


def in_several_calls(
    calls: Sequence[Call], others: Sequence[Tensor], named: Named
) -> Iterator[tuple[Edit, ...]]:
    """The same other function wherever one is called more than once, and another forward pass."""
    yield from wrong_forwards(calls, others, named)
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
        yield "derivative of another function", f"of {said}: ", wrong_factors.AnotherSlope(slope)
        if call.name in SQUARES and slope is not itself:  # of a square that is its half
            turned = wrong_factors.AnotherSlope(slope, sign=-1)
            yield "derivative of another function", f"of {said}, with the other sign: ", turned
    for said, slope in OUTPUT_SLOPES.items():
        if call.name in SOFTMAX and slope is itself:  # there it is a path that is dropped
            continue
        way: Wrong = wrong_factors.AnotherSlope(slope, at_the_output=True)
        yield "derivative of another function", f"of {said}: ", way
    for own_slope, only in ((True, ""), (False, "the value, not the derivative, of ")):
        for said, value in VALUES.items():
            yield "another function", f"{said} for {only}", wrong_factors.another_function(value, own_slope)
        for base in BASES if call.name in LOGARITHMIC else ():
            way = wrong_factors.another_base(base, own_slope)
            yield "another function", f"the logarithm to base {base} in {only}", way


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
    call: Call, argument: int, calls: Sequence[Call], others: Sequence[Tensor], named: Named
) -> Iterator[tuple[str, str, Wrong]]:
    own = call.tensors[argument]
    if own.ndim and len(own) > 1:
        yield "product of sums", operand(call, argument, named), wrong_factors.product_of_sums
        if own.shape[-1] > 1:
            yield (
                "another factor",
                f"the columns in the opposite order in {operand(call, argument, named)}",
                wrong_factors.factor_flipped,
            )
    if call.name in PRODUCTS_BY_ELEMENT and own.ndim == 2 and own.shape != own.mT.shape:
        yield "row for column", operand(call, argument, named), wrong_derivatives.factor_transposed
    into = [other.tensors for other in calls if other.result is own and other.name in ELEMENTWISE]
    out_of = [other.result for other in calls if _first(other) is own and other.name in ELEMENTWISE]
    for number, other in enumerate(others):
        if other.shape not in ((), own.shape) or not other.is_floating_point() or same(other, own):
            continue
        if same(other, call.result):  # no factor of itself: with it one is too many
            continue
        kind = "another factor"
        if any(same(other, tensor) for tensors in into for tensor in tensors):
            kind = "input for the activation"
        elif any(same(other, result) for result in out_of):
            kind = "activation for the input"
        yield (
            kind,
            f"{named(other)} for {operand(call, argument, named)}",
            wrong_factors.another_factor(number),
        )


def _first(call: Call) -> Tensor:
    return call.tensors[call.differentiable[0]] if call.differentiable else call.result
