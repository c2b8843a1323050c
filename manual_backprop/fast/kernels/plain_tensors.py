"""Which tensors a kernel may read and write: numbers in the processor's memory that nothing else watches.

A kernel sees addresses. What is made of a tensor beside its numbers (a tangent, a graph, a trace, a fake) it
would silently lose, so all that is not plain goes to the plain derivation, which torch watches as it should.
"""

import ctypes
import sys
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.utils._device import DeviceContext


def plain_addresses(scalars: Sequence[Tensor], arrays: Sequence[Tensor]) -> list[int] | None:
    """Where the tensors lie, if all are numbers in the processor's memory, one after another; None if not.

    A subclass may mean something else by its memory, and so does a pending negation. Without an address are
    zeros that torch only imagines, functional tensors, storages that were set free, and tensors of no
    elements.

    Shapes: each of scalars (), arrays any
    """
    addresses = []
    try:
        for scalar in scalars:
            if scalar.shape:
                return None
        for array in arrays:
            if not array.is_contiguous():
                return None
        for tensor in (*scalars, *arrays):
            if type(tensor) is not Tensor or not tensor.is_cpu or tensor.requires_grad or tensor.is_neg():
                return None
            address = tensor.data_ptr()
            if not address or address % tensor.itemsize:
                return None
            addresses.append(address)
    except (AttributeError, RuntimeError):  # no tensor; one of torch.func, or a sparse one, has no memory
        return None
    return addresses


def is_watched() -> bool:
    """Whether torch makes something of each operation here, beside its numbers.

    torch.compile, a transformation of torch.func, a trace of torch.jit, a mode that sees every operation
    (make_fx, fake tensors), or a level of forward-mode differentiation.
    """
    asked = torch._C
    return (
        torch.compiler.is_compiling()  # the first: torch.compile knows the answer, and reads no further
        or asked._len_torch_dispatch_stack() > 0
        or asked._functorch.peek_interpreter_stack() is not None
        or asked._get_tracing_state() is not None
        or (asked._len_torch_function_stack() > 0 and not _only_a_default_device())
        or _has_tangents()
    )


def pointers(addresses: Iterable[int]) -> "ctypes.Array[ctypes.c_void_p]":
    """Addresses as a kernel takes them."""
    given = list(addresses)
    return (ctypes.c_void_p * len(given))(*given)


def addresses_of(tensors: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_void_p]":
    """Where tensors lie that are known to be plain, as a kernel takes them."""
    return pointers(tensor.data_ptr() for tensor in tensors)


def _only_a_default_device() -> bool:
    """Whether the modes that see every function are torch.set_default_device's, which moves no tensor."""
    stack = torch.overrides._get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    return all(isinstance(mode, DeviceContext) for mode in stack)


def _has_tangents() -> bool:
    """Whether a tensor may have a tangent; asked of the module that knows, if anybody has imported it."""
    levels = sys.modules.get("torch.autograd.forward_ad")
    return levels is not None and levels._current_level >= 0
