"""Further mistakes of small networks, where somebody has written each operation's derivative by hand."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from torch_reference.diagnosis.edits import wrong_factors
from torch_reference.diagnosis.edits.editor import Call, Edit
from torch_reference.diagnosis.edits.naming import Named, operand, same
from torch_reference.diagnosis.edits.reference_edits import ELEMENTWISE, PRODUCTS_BY_ELEMENT, SQUARES

MOST_CALLS = 24
"""A network of so many calls at most is small."""
ELSEWHERE, TOO_MANY = "derivative at another place", "factor too many"
SUMS = {"add", "radd", "sub", "rsub", "subtract"}


def slips_by_hand(calls: Sequence[Call], others: Sequence[Tensor], named: Named) -> Iterator[Edit]:
    """A derivative that is taken at another tensor, and a tensor that is multiplied where none belongs."""
    if len(calls) > MOST_CALLS:
        return
    for number, call in enumerate(calls):
        where = named.call(number)
        if call.name in ELEMENTWISE and len(call.differentiable) == 1:
            yield from _elsewhere(number, call, others, named, where)
        if len(call.tensors) != 2:
            continue
        if call.name in PRODUCTS_BY_ELEMENT | SUMS:
            for argument in call.differentiable:
                way_back = f"on the way to {operand(call, argument, named)}{where}"
                for place, other in enumerate(others):
                    if other.shape in ((), call.result.shape) and other.is_floating_point():
                        way = wrong_factors.factor_too_many(place)
                        yield Edit(TOO_MANY, number, argument, f"{named(other)} {way_back}", way)
        if call.name in PRODUCTS_BY_ELEMENT:
            for argument in (0, 1):
                for place, other in enumerate(others):
                    if other.shape in ((), call.tensors[argument].shape) and other.is_floating_point():
                        way = wrong_factors.another_factor(place, sign=-1)
                        said = f"minus {named(other)} for {operand(call, argument, named)}{where}"
                        kind = "another factor"
                        if same(other, call.result):  # −a b for a: it is the other that is too many
                            kind, own = TOO_MANY, 1 - argument
                            too_many = f"minus {named(call.tensors[own])}"
                            said = f"{too_many} on the way to {operand(call, own, named)}{where}"
                        yield Edit(kind, number, argument, said, way)


def _elsewhere(number: int, call: Call, others: Sequence[Tensor], named: Named, where: str) -> Iterator[Edit]:
    own = call.tensors[call.differentiable[0]]
    for place, other in enumerate(others):
        known = other.data_ptr() in (own.data_ptr(), call.result.data_ptr())
        if known or other.shape not in ((), own.shape) or not other.is_floating_point():
            continue
        for sign, said in ((1, ""), (-1, ", with the other sign")):
            if sign == 1 or call.name in SQUARES:
                way = wrong_factors.another_place(place, sign)
                yield Edit(ELSEWHERE, number, call.differentiable[0], f"{named(other)}{said}: {where}", way)
