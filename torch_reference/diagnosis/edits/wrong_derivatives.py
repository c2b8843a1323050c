"""The ways in which the derivative of one call can be wrong while its value stays right.

Each is a function of the place of the mistake, and returns the call's result again with another derivative.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Place(NamedTuple):
    """One argument of one call of torch.

    call evaluates it once more with some of its tensors replaced, by their position; result is its value;
    others are all tensors of the forward pass, in the order in which they were met.
    """

    name: str
    call: Callable[[Mapping[int, Tensor]], Tensor]
    tensors: tuple[Tensor, ...]
    argument: int
    result: Tensor
    others: Sequence[Tensor] = ()

    @property
    def x(self) -> Tensor:
        """The argument."""
        return self.tensors[self.argument]

    def by_the_others(self, wrong: Tensor | None = None) -> Tensor:
        """The call, of which the argument gets no derivative; the others see `wrong` in its place."""
        return self.call({self.argument: (self.x if wrong is None else wrong).detach()})

    def by_itself(self) -> Tensor:
        """The call, of which the argument alone gets a derivative."""
        others = (index for index in range(len(self.tensors)) if index != self.argument)
        return self.call({index: self.tensors[index].detach() for index in others})


Wrong = Callable[[Place], Tensor]
Of = Callable[[Place], Tensor]
"""Which tensor, of those that are at hand there."""


@dataclass(frozen=True)
class OthersSee:
    """The other factors of a product are derived as if the argument were this."""

    value: Of

    def __call__(self, place: Place) -> Tensor:
        """The call, with that derivative."""
        others = place.by_the_others(self.value(place))
        return with_derivative_of(place.result, others, place.by_itself())


@dataclass(frozen=True)
class ComesBackTimes:
    """What comes back to the argument is multiplied by this as well."""

    factor: Of

    def __call__(self, place: Place) -> Tensor:
        """The call, with that derivative."""
        return with_derivative_of(place.result, place.by_the_others(), self.factor(place) * place.by_itself())


@dataclass(frozen=True)
class ComesFromAbove:
    """What comes from above is changed before the call's own derivative."""

    change: Callable[[Tensor], Tensor]

    def __call__(self, place: Place) -> Tensor:
        """The call, with that derivative."""
        result = place.result.clone()
        result.register_hook(self.change)  # type: ignore[no-untyped-call] # torch leaves it untyped
        return result


def derivative_missing(place: Place) -> Tensor:
    """As if it were 1."""
    return with_derivative_of(place.result, place.x)


def derivative_at_the_output(place: Place) -> Tensor:
    """f'(f(x)) for f'(x)."""
    output = place.result.detach().requires_grad_()
    with torch.enable_grad():
        [slope] = torch.autograd.grad(place.call({place.argument: output}).sum(), output)
    return with_derivative_of(place.result, slope * place.x)


def path_dropped(place: Place) -> Tensor:
    """The argument is taken for a constant."""
    return place.by_the_others()


path_counted_twice = ComesBackTimes(lambda place: place.x.new_full((), 2.0))
factor_missing = OthersSee(lambda place: torch.ones_like(place.x))
factor_transposed = OthersSee(lambda place: place.x.mT)


def upstream_transposed(place: Place) -> Tensor:
    """The argument of a matrix product is derived as if the upstream gradient were its transpose."""
    return with_derivative_of(place.result, place.by_the_others(), place.by_itself().mT)


def sum_for_mean(place: Place) -> Tensor:
    """The derivative of a mean is not divided by the number of its terms."""
    return with_derivative_of(place.result, _terms(place) * place.result)


def mean_for_sum(place: Place) -> Tensor:
    """The derivative of a sum is divided by the number of its terms."""
    return with_derivative_of(place.result, place.result / _terms(place))


def _terms(place: Place) -> float:
    """How many terms a sum or a mean has for each element of its result; 1 where there is nothing to sum."""
    return place.x.numel() / place.result.numel() if place.x.numel() else 1


def softmax_without_sum(place: Place) -> Tensor:
    """The sum in the denominator of softmax is taken for a constant."""
    return with_derivative_of(place.result, _numerator(place))


def softmax_without_numerator(place: Place) -> Tensor:
    """The numerator of softmax is taken for a constant."""
    return with_derivative_of(place.result, place.result, -_numerator(place))


def softmax_by_element(place: Place) -> Tensor:
    """Each output of softmax depends on its own input alone."""
    probability = place.result.detach()
    if place.name == "log_softmax":
        probability = probability.exp()
    return with_derivative_of(place.result, (1 - probability) * _numerator(place))


def _numerator(place: Place) -> Tensor:
    """What has the derivative of the numerator alone: of exp(x) / s that is y, of x − log s it is 1."""
    return place.x if place.name == "log_softmax" else place.result.detach() * place.x


def with_derivative_of(value: Tensor, *terms: Tensor) -> Tensor:
    """The value, with the derivative of the sum of the terms."""
    total = reduce(torch.add, terms)
    return value.detach() + (total - total.detach())


def tensors_in(values: Any) -> tuple[Tensor, ...]:
    """All tensors among the arguments of a call, in tuples and lists too."""
    if isinstance(values, Tensor):
        return (values,)
    if isinstance(values, tuple | list):
        return tuple(tensor for value in values for tensor in tensors_in(value))
    return ()


def replaced_in(values: Any, tensors: tuple[Tensor, ...], replaced: Mapping[int, Tensor]) -> Any:
    """The arguments with some of their tensors replaced, counted in the order of tensors_in."""
    remaining = iter(range(len(tensors)))

    def walk(value: Any) -> Any:
        if isinstance(value, Tensor):
            index = next(remaining)
            return replaced.get(index, value)
        if isinstance(value, tuple | list):
            return type(value)(walk(item) for item in value)
        return value

    return walk(values)
