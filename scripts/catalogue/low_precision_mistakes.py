"""Mistakes in the gradients of kernels for 16 bits: of signs, factors, elements, rows, tails and sums."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from catalogue.low_precision import KERNELS, Gradients, Kernel

Inputs = tuple[Tensor, ...]


class Planted(NamedTuple):
    """One wrong set of gradients: of which function, what is wrong, at which input."""

    kernel: str
    what: str
    where: int
    gradients: Gradients


def right(kernel: Kernel, inputs: Inputs, upstream: Tensor) -> Gradients:
    """The right gradients: float32 inside, converted once, to the dtype of each input."""
    return _converted(kernel.by_hand(_wide(upstream), *map(_wide, inputs)), inputs)


def planted(name: str, inputs: Inputs, upstream: Tensor) -> Iterator[Planted]:
    """Every mistake in one function."""
    kernel = KERNELS[name]
    found = kernel.by_hand(_wide(upstream), *map(_wide, inputs))
    for what, derivation in kernel.dropped.items():
        wrong = _converted(derivation(_wide(upstream), *map(_wide, inputs)), inputs)
        yield Planted(name, f"{what} is dropped", 0, wrong)
    for where, value in found.items():
        for what, edit in EDITS.items():
            if value.ndim > 1 or what not in OF_ROWS:
                yield Planted(name, what, where, _converted({**found, where: edit(value)}, inputs))
    if name in ("layer norm", "RMS norm"):
        x, gain = map(_wide, inputs)
        ones = torch.ones_like(gain)
        terms = _wide(upstream) * kernel.reference(x, ones)
        total = torch.zeros_like(inputs[1])
        for row in terms.to(total.dtype):
            total = total + row
        yield Planted(name, "a sum accumulated in 16 bits", 1, _converted({**found, 1: total}, inputs))


def _element(factor: float) -> Callable[[Tensor], Tensor]:
    def edit(value: Tensor) -> Tensor:
        edited = value.clone()
        largest = value.abs().flatten().argmax()
        edited.view(-1)[largest] *= factor
        return edited

    return edit


def _last_rows_missing(value: Tensor) -> Tensor:
    edited = value.clone()
    edited[..., -3:, :] = 0
    return edited


def _one_row_of_another(value: Tensor) -> Tensor:
    edited = value.clone()
    edited[..., -1, :] = value[..., -2, :]
    return edited


def _tail_of_the_rows(value: Tensor) -> Tensor:
    edited = value.clone()
    edited[..., -5:] = 0
    return edited


EDITS: dict[str, Callable[[Tensor], Tensor]] = {
    "the sign": lambda value: -value,
    "times 2": lambda value: 2 * value,
    "times 1.1": lambda value: 1.1 * value,
    "times 1.01": lambda value: 1.01 * value,
    "one element times 1.1": _element(1.1),
    "the last rows are missing": _last_rows_missing,
    "one row is another's": _one_row_of_another,
    "the rows' tails are missing": _tail_of_the_rows,
}
OF_ROWS = {"the last rows are missing", "one row is another's", "the rows' tails are missing"}


def _wide(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _converted(found: Gradients, inputs: Inputs) -> Gradients:
    return {where: value.to(inputs[where].dtype) for where, value in found.items()}
