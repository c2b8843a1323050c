"""Wrong derivatives that take another value for the one that belongs there: factor, function, index."""

from dataclasses import dataclass

import torch
from torch import Tensor

from torch_reference.diagnosis.edits.other_functions import BASES, Elementwise
from torch_reference.diagnosis.edits.wrong_derivatives import (
    ComesBackTimes,
    ComesFromAbove,
    OthersSee,
    Place,
    Wrong,
    with_derivative_of,
)


@dataclass(frozen=True)
class AnotherSlope:
    """The derivative of another elementwise function, perhaps with its sign turned."""

    slope: Elementwise
    at_the_output: bool = False
    sign: int = 1

    def factor(self, place: Place) -> Tensor:
        """What the argument's movement is multiplied by.

        Shapes: that of the result
        """
        where = place.result if self.at_the_output else place.x
        return self.sign * self.slope(where.detach())

    def __call__(self, place: Place) -> Tensor:
        """The call, with that derivative."""
        return with_derivative_of(place.result, self.factor(place) * place.x)


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

    def other(place: Place) -> Tensor:
        value = sign * place.others[number].detach()
        return value if value.ndim else value.expand_as(place.x)  # a number for each observation's

    return OthersSee(other)


def factor_too_many(number: int) -> Wrong:
    """What goes back to the argument is multiplied by another tensor as well."""
    return ComesBackTimes(lambda place: place.others[number].detach())


def another_place(number: int, sign: int = 1) -> Wrong:
    """The derivative of the function is taken at another tensor than the one that went into it."""

    def wrong(place: Place) -> Tensor:
        other = place.others[number].detach().expand_as(place.x).clone().requires_grad_()
        with torch.enable_grad():
            [slope] = torch.autograd.grad(place.call({place.argument: other}).sum(), other)
        return with_derivative_of(place.result, sign * slope * place.x)

    return wrong


factor_flipped = OthersSee(lambda place: place.x.flip(-1))
"""As if the argument's columns were in the opposite order."""
product_of_sums = OthersSee(lambda place: place.x.sum(0, keepdim=True).expand_as(place.x))
"""Σa · Σb for Σab: as if each row were the sum of all."""


def last_occurrence(place: Place) -> Tensor:
    """An index that occurs more than once hands back the gradient of its last occurrence alone."""
    index = next(tensor for tensor in place.tensors if not tensor.is_floating_point())
    flat = index.flatten().tolist()
    last = {value: position for position, value in enumerate(flat)}
    kept = place.result.new_tensor([float(last[value] == position) for position, value in enumerate(flat)])
    mask = kept.reshape(*index.shape, *[1] * (place.result.ndim - index.ndim))
    return with_derivative_of(place.result, mask * place.result)


upstream_of_ones = ComesFromAbove(lambda upstream: upstream.new_ones(()).expand_as(upstream))
"""What comes from above is ignored, as if it were 1."""
upstream_of_one_element = ComesFromAbove(lambda upstream: upstream.flatten()[:1].sum().expand_as(upstream))
"""The first element of what comes from above is taken for all of them."""


def last_rows_left_out(block: int) -> Wrong:
    """The rows behind the last full block hand nothing back."""

    def without(upstream: Tensor) -> Tensor:
        rows, kept = len(upstream), upstream.clone()
        kept[rows - (rows % block or (block if block == 1 else 0)) :] = 0
        return kept

    return ComesFromAbove(without)
