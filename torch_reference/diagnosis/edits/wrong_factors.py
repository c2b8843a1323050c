"""Wrong derivatives that take another value for the one that belongs there: factor, function, index."""

import torch
from torch import Tensor

from torch_reference.diagnosis.edits.other_functions import BASES, Elementwise
from torch_reference.diagnosis.edits.wrong_derivatives import Place, Wrong, with_derivative_of


def another_slope(slope: Elementwise, at_the_output: bool = False, sign: int = 1) -> Wrong:
    """The derivative of another elementwise function, perhaps with its sign turned."""

    def wrong(place: Place) -> Tensor:
        where = place.result if at_the_output else place.x
        return with_derivative_of(place.result, sign * slope(where.detach()) * place.x)

    return wrong


def another_function(value: Elementwise, own_slope: bool) -> Wrong:
    """Another elementwise function altogether, with its own derivative or that of the right one."""

    def wrong(place: Place) -> Tensor:
        other = value(place.x)
        return other if own_slope else other.detach() + place.result - place.result.detach()

    return wrong


def another_base(base: int, own_slope: bool) -> Wrong:
    """A logarithm to another base in place of the natural one."""

    def wrong(place: Place) -> Tensor:
        other = place.result * BASES[base]
        return other if own_slope else other.detach() + place.result - place.result.detach()

    return wrong


def another_factor(number: int, sign: int = 1) -> Wrong:
    """The other factors of a product are derived as if the argument were another tensor."""

    def wrong(place: Place) -> Tensor:
        other = sign * place.others[number].detach()
        if not other.ndim:  # a number where one for each observation belongs
            other = other.expand_as(place.x)
        return with_derivative_of(place.result, place.by_the_others(other), place.by_itself())

    return wrong


def factor_too_many(number: int) -> Wrong:
    """What goes back to the argument is multiplied by another tensor as well."""

    def wrong(place: Place) -> Tensor:
        other = place.others[number].detach()
        return with_derivative_of(place.result, place.by_the_others(), other * place.by_itself())

    return wrong


def another_place(number: int, sign: int = 1) -> Wrong:
    """The derivative of the function is taken at another tensor than the one that went into it."""

    def wrong(place: Place) -> Tensor:
        other = place.others[number].detach().expand_as(place.x).clone().requires_grad_()
        with torch.enable_grad():
            [slope] = torch.autograd.grad(place.call({place.argument: other}).sum(), other)
        return with_derivative_of(place.result, sign * slope * place.x)

    return wrong


def factor_flipped(place: Place) -> Tensor:
    """The other factors are derived as if the argument's columns were in the opposite order."""
    return with_derivative_of(place.result, place.by_the_others(place.x.flip(-1)), place.by_itself())


def product_of_sums(place: Place) -> Tensor:
    """Σa · Σb for Σab: the other factor is derived as if each row were the sum of all."""
    summed = place.x.sum(0, keepdim=True).expand_as(place.x)
    return with_derivative_of(place.result, place.by_the_others(summed), place.by_itself())


def last_occurrence(place: Place) -> Tensor:
    """An index that occurs more than once hands back the gradient of its last occurrence alone."""
    index = next(tensor for tensor in place.tensors if not tensor.is_floating_point())
    flat = index.flatten().tolist()
    last = {value: position for position, value in enumerate(flat)}
    kept = place.result.new_tensor([float(last[value] == position) for position, value in enumerate(flat)])
    mask = kept.reshape(*index.shape, *[1] * (place.result.ndim - index.ndim))
    return with_derivative_of(place.result, mask * place.result)


def upstream_of_ones(place: Place) -> Tensor:
    """What comes from above is ignored, as if it were 1."""
    return _handing_back(place, lambda upstream: upstream.new_ones(()).expand_as(upstream))


def upstream_of_one_element(place: Place) -> Tensor:
    """The first element of what comes from above is taken for all of them."""
    return _handing_back(place, lambda upstream: upstream.flatten()[:1].sum().expand_as(upstream))


def last_rows_left_out(block: int) -> Wrong:
    """The rows behind the last full block hand nothing back."""

    def wrong(place: Place) -> Tensor:
        rows = len(place.result)
        full = rows - (rows % block or (block if block == 1 else 0))

        def without(upstream: Tensor) -> Tensor:
            kept = upstream.clone()
            kept[full:] = 0
            return kept

        return _handing_back(place, without)

    return wrong


def _handing_back(place: Place, change: Elementwise) -> Tensor:
    result = place.result.clone()
    result.register_hook(change)  # type: ignore[no-untyped-call] # torch leaves it untyped
    return result
