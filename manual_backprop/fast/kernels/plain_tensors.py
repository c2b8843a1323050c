"""Which tensors a kernel may read and write: numbers in the processor's memory that nothing else watches.

A kernel sees addresses. What is made of a tensor beside its numbers (a tangent, a graph, a trace, a fake) it
would silently lose, so all that is not plain goes to the plain derivation, which torch watches as it should.
"""

import ctypes
import struct
import sys
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils._device import DeviceContext

# Asked in every call, and so looked up once.
_modes, _function_modes = torch._C._len_torch_dispatch_stack, torch._C._len_torch_function_stack
_transformations, _trace = torch._C._functorch.peek_interpreter_stack, torch._C._get_tracing_state


def plain_addresses(
    scalars: Sequence[Tensor], arrays: Sequence[Tensor], dtype: torch.dtype
) -> list[int] | None:
    """Where the tensors lie, if all are numbers in the processor's memory, one after another; None if not.

    A subclass may mean something else by its memory, and so does a pending negation. Without an address are
    zeros that torch only imagines, functional tensors, storages that were set free, and tensors of no
    elements.

    Shapes: each of scalars () and of this dtype, arrays any
    """
    addresses, bits = [], 0
    try:
        for scalar in scalars:
            if (
                type(scalar) is not Tensor
                or scalar.dtype is not dtype
                or scalar.requires_grad
                or scalar.is_neg()
                or scalar.dim()
                or not scalar.is_cpu
            ):
                return None
            address = scalar.data_ptr()
            addresses.append(address)
            bits |= address
        for array in arrays:
            if (
                type(array) is not Tensor
                or array.requires_grad
                or array.is_neg()
                or not array.is_contiguous()
                or not array.is_cpu
            ):
                return None
            address = array.data_ptr()
            addresses.append(address)
            if array.dtype is dtype:
                bits |= address
            elif address % array.itemsize:
                return None
    except RuntimeError:  # one of torch.func, or a sparse one, has no memory
        return None
    return None if bits % dtype.itemsize or 0 in addresses else addresses


def is_watched() -> bool:
    """Whether torch makes something of each operation here, beside its numbers.

    torch.compile, a transformation of torch.func, a trace of torch.jit, a mode that sees every operation
    (make_fx, fake tensors), or a level of forward-mode differentiation.
    """
    if torch.compiler.is_compiling():  # the first: torch.compile knows the answer, and reads no further
        return True
    if _modes() or _transformations() is not None or _trace() is not None:
        return True
    if _function_modes() and not _only_a_default_device():
        return True
    # A tensor may have a tangent: asked of the module that knows, if anybody has imported it.
    levels = sys.modules.get("torch.autograd.forward_ad")
    return levels is not None and levels._current_level >= 0


def pointers(addresses: Sequence[int]) -> bytes:
    """Addresses as a kernel reads them; an array of ctypes takes three times as long to make."""
    return struct.pack(f"{len(addresses)}P", *addresses)


def addresses_of(tensors: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_void_p]":
    """Where tensors lie that are known to be plain, as a kernel takes them."""
    return (ctypes.c_void_p * len(tensors))(*(tensor.data_ptr() for tensor in tensors))


def _only_a_default_device() -> bool:
    """Whether the modes that see every function are torch.set_default_device's, which moves no tensor."""
    stack = torch.overrides._get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    return all(isinstance(mode, DeviceContext) for mode in stack)
