"""The triangle of one network's data, with every core at work and by a kernel where there is a compiler.

It is that of triangle.py, which is the one to read: the leaves of its tree are factorised as they are filled,
and their rows never reach the memory. docs/speed.md tells what that gains.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from manual_backprop.fast import triangle
from manual_backprop.fast.kernels.compiled_library import library
from manual_backprop.fast.kernels.plain_tensors import addresses_of, is_watched, plain_addresses
from manual_backprop.fast.parallel_blocks import BLOCK, in_parallel
from manual_backprop.fast.seven_parameters import HIDDEN
from manual_backprop.fast.triangle import LEAF, Triangle


def from_data(
    parameters: Mapping[str, Float[Tensor, "*parameter_batch"]],
    inputs: Float[Tensor, "*data_batch n"],
    observed: Float[Tensor, "*data_batch n"],
) -> Triangle:
    """The triangle of the data: triangle.from_data, to rounding.

    Shapes:  those of triangle.from_data; a batch, another device and few data go there as they are
    Errors:  those of triangle.from_data
    Source:  triangle.from_data
    """
    if is_watched() or inputs.dim() != 1 or inputs.numel() <= BLOCK or observed.shape != inputs.shape:
        return triangle.from_data(parameters, inputs, observed)
    # What autograd watches in another precision is watched no longer in a copy: so the originals are asked.
    given = [parameters[name] for name in parameters if name in HIDDEN]
    data = [values if values.is_contiguous() else values.contiguous() for values in (inputs, observed)]
    addresses = plain_addresses(given, data, inputs.dtype)
    if addresses is None:
        return triangle.from_data(parameters, inputs, observed)
    hidden = triangle.checked_hidden(parameters, inputs, observed)
    kernel = library(torch.float64)
    if kernel is None:
        return _in_blocks(parameters, inputs, observed)
    # On the CPU, whatever torch's default device is: the kernel writes there.
    n = inputs.numel()
    blocks = torch.empty(-(-n // BLOCK), 4, 4, dtype=torch.float64, device="cpu")
    into, is_float = blocks.data_ptr(), inputs.dtype == torch.float32
    network = addresses_of([hidden[name] for name in HIDDEN])

    def share(first: int, last: int) -> None:
        where = [start + first * inputs.itemsize for start in addresses[-2:]]
        target = into + first // BLOCK * 16 * blocks.itemsize
        kernel.triangles(network, *where, is_float, last - first, BLOCK, target)

    in_parallel(share, n)
    # Merged in the kernel, too: torch's own threads, which a factorisation wakes, go on waiting for work for
    # some ms, and would take a core from the threads of the next triangle.
    levels = kernel.merge(blocks.data_ptr(), len(blocks))
    # A leaf is one factorisation, a block another, each of its rows below four rows of zeros: see the kernel.
    return Triangle(hidden, blocks[0].clone(), (2 + levels) * triangle.roundings_of(LEAF + 4), n)


def _in_blocks(parameters: Mapping[str, Tensor], inputs: Tensor, observed: Tensor) -> Triangle:
    """Bit for bit triangle.from_data, whose blocks these are, on every core."""
    parts: dict[int, Triangle] = {}

    def share(first: int, last: int) -> None:
        for start in range(first, last, BLOCK):
            here = slice(start, min(start + BLOCK, last))
            parts[start] = triangle.from_data(parameters, inputs[here], observed[here])

    in_parallel(share, inputs.numel())
    return triangle.merge(parts[start] for start in sorted(parts))
