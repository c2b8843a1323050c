"""The gradient of one network on any number of observations, as fast as this machine allows.

The derivatives are those of lesson/gradient.py, which is the one to read. One network in float32 or float64
on the CPU goes through a kernel, in one pass over the data; where there is no C compiler, through
lesson/gradient.py in blocks that fit the cache. Everything else (batches, other devices, other parameters
than the lesson's seven, tensors that autograd or torch.func watches) goes there as it is. docs/speed.md tells
what each of these gains.
"""

import functools
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import DTYPES, check_names
from manual_backprop.fast.kernels.compiled_library import library
from manual_backprop.fast.kernels.plain_tensors import is_watched, plain_addresses, pointers
from manual_backprop.fast.parallel_blocks import BLOCK, in_parallel
from manual_backprop.fast.seven_parameters import ARE_ALL, COLUMNS, SEVEN
from manual_backprop.lesson.gradient import LESSON_WRT
from manual_backprop.lesson.gradient import gradients as plain


def gradients(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
    wrt: Sequence[str] = LESSON_WRT,
) -> dict[str, Float[Tensor, "*batch"]]:
    """Gradient of the SSR with respect to the named parameters: manual_backprop.gradients, to rounding.

    The first call compiles the kernel, if no earlier process did: that takes half a second.

    Formula: {name: ∂SSR/∂name for name in wrt}
    Shapes:  parameters (*batch), inputs and observed (*batch, n), each result (*batch)
    Errors:  those of manual_backprop.gradients
    Source:  manual_backprop.gradients

    >>> from manual_backprop import fast, lesson
    >>> inputs, observed = lesson.data()
    >>> round(fast.gradients(lesson.start(), inputs, observed)["w3"].item(), 4)
    2.5761
    """
    known = ARE_ALL and not isinstance(wrt, str)
    addresses = _addresses(parameters, inputs, observed) if known else None
    if addresses is None:
        return plain(parameters, inputs, observed, wrt)
    hidden, columns = _columns(tuple(wrt))
    kernel = library(inputs.dtype)
    if kernel is None:
        return _in_blocks(parameters, inputs, observed, wrt)
    n, width = inputs.numel(), 7 if hidden else 3
    network, data = pointers(addresses[:-2]), addresses[-2:]
    if n <= BLOCK:
        sums = inputs.new_empty(width)
        kernel.gradients(network, *data, n, BLOCK, hidden, sums.data_ptr())
    else:
        rows = inputs.new_empty(-(-n // BLOCK), width)
        into = rows.data_ptr()

        def share(first: int, last: int) -> None:
            here = (start + first * inputs.itemsize for start in data)
            row = into + first // BLOCK * width * inputs.itemsize
            kernel.gradients(network, *here, last - first, BLOCK, hidden, row)

        in_parallel(share, n)
        sums = rows.sum(0)
    values = sums.unbind()
    return {name: values[column] for name, column in columns}


def _addresses(parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> list[int] | None:
    """Where the seven parameters, the inputs and the observed lie, if these are one network and its data.

    What is refused here goes to the plain derivation, which takes it or says what is wrong with it.
    """
    try:
        given = [parameters[name] for name in SEVEN]
        if len(parameters) != len(given) or is_watched():
            return None
        dtype = inputs.dtype
        if dtype not in DTYPES or observed.dtype is not dtype or inputs.dim() != 1:
            return None
        if observed.shape != inputs.shape:
            return None
    except (AttributeError, KeyError, RuntimeError):  # RuntimeError: a nested tensor has no shape
        return None
    return plain_addresses(given, (inputs, observed), dtype)


@functools.lru_cache(maxsize=256)
def _columns(wrt: tuple[str, ...]) -> tuple[bool, tuple[tuple[str, int], ...]]:
    """Whether wrt needs the hidden layer's derivatives, and where the kernel puts each."""
    check_names(wrt, SEVEN)
    columns = tuple((name, COLUMNS.index(name)) for name in wrt)
    return any(column > 2 for _, column in columns), columns


def _in_blocks(
    parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor, wrt: Sequence[str]
) -> dict[str, Tensor]:
    """The plain derivation, block by block: the gradient of a sum is the sum of the gradients."""
    parts: dict[int, dict[str, Tensor]] = {}

    def share(first: int, last: int) -> None:
        for start in range(first, last, BLOCK):
            here = slice(start, min(start + BLOCK, last))
            parts[start] = plain(parameters, inputs[here], observed[here], wrt)

    in_parallel(share, inputs.numel())
    # Put together here: another thread knows nothing of this one's inference mode.
    return {name: torch.stack([parts[start][name] for start in sorted(parts)]).sum() for name in wrt}
