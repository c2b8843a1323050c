"""The gradient of one network on any number of observations, as fast as this machine allows.

The derivatives are those of lesson/gradient.py, which is the one to read. One network in float32 or float64
on the CPU goes through a kernel, in one pass over the data; where there is no C compiler, through
lesson/gradient.py in blocks that fit the cache. Everything else (batches, other devices, other parameters
than the lesson's seven, tensors that autograd or torch.func watches) goes there as it is. docs/speed.md tells
what each of these gains.
"""

import ctypes
import functools
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.checks import DTYPES, check_names
from manual_backprop.fast.kernels.compiled_library import addresses_of, library
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
    if n <= BLOCK:
        sums = torch.empty(width, dtype=inputs.dtype, device="cpu")
        kernel.gradients(addresses, inputs.data_ptr(), observed.data_ptr(), n, BLOCK, hidden, sums.data_ptr())
    else:
        rows = torch.empty(-(-n // BLOCK), width, dtype=inputs.dtype, device="cpu")

        def share(first: int, last: int) -> None:
            data = (values.data_ptr() + first * values.itemsize for values in (inputs, observed))
            kernel.gradients(addresses, *data, last - first, BLOCK, hidden, rows[first // BLOCK].data_ptr())

        in_parallel(share, n)
        sums = rows.sum(0)
    values = sums.unbind()
    return {name: values[column] for name, column in columns}


def _addresses(
    parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor
) -> "ctypes.Array[ctypes.c_void_p] | None":
    """Where the seven parameters lie, if these are one network and its data in plain memory; None if not.

    What is refused here goes to the plain derivation, which takes it or says what is wrong with it.
    """
    try:
        dtype, given = inputs.dtype, [parameters[name] for name in SEVEN]
        for tensor in (*given, inputs, observed):
            # A subclass may mean something else by its memory, and so does a tensor with a pending negation.
            if type(tensor) is not Tensor or tensor.dtype is not dtype or not tensor.is_cpu:
                return None
            if tensor.requires_grad or tensor.is_neg():
                return None
        for data in (inputs, observed):
            if data.dim() != 1 or not data.is_contiguous() or not data.data_ptr():
                return None
        if inputs.numel() != observed.numel() or dtype not in DTYPES or len(parameters) != len(given):
            return None
        for parameter in given:
            if parameter.dim():
                return None
        return addresses_of(given)
    except (AttributeError, KeyError, RuntimeError):  # RuntimeError: a tensor of torch.func has no memory
        return None


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
    n = inputs.numel()
    rows = {name: inputs.new_empty(-(-n // BLOCK)) for name in wrt}

    def share(first: int, last: int) -> None:
        for start in range(first, last, BLOCK):
            here = slice(start, min(start + BLOCK, last))
            for name, derivative in plain(parameters, inputs[here], observed[here], wrt).items():
                rows[name][start // BLOCK] = derivative

    in_parallel(share, n)
    return {name: row.sum() for name, row in rows.items()}
