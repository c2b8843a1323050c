"""Values in any nest of tuples, lists, dicts and objects, by names that say where in it they are."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten_with_path

from torch_reference.judging.calls.holders import opened
from torch_reference.judging.calls.raised_errors import UserCodeError
from torch_reference.judging.calls.really import is_array, is_tensor


def named_leaves(nest: Any, name: str) -> dict[str, Any]:
    """Every leaf by name: outputs[0] of one value or of a sequence, outputs['a'] of a mapping.

    Shapes: any; a named tuple is named by its positions, as the plain tuple is that it stands for
    """
    plain = [nest] if is_tensor(nest) else nest
    if type(plain) in (list, tuple) and all(map(is_tensor, plain)):  # as nearly all are
        return {f"{name}[{number}]": leaf for number, leaf in enumerate(plain)}
    nest = opened(nest)
    return {f"{name}{_path(nest, keys) or '[0]'}": leaf for keys, leaf in tree_flatten_with_path(nest)[0]}


def paths(nest: Any) -> list[str]:
    """Where each leaf stands, "[0]['a']", in the order in which torch's tree utilities name them."""
    nest = opened(nest)
    return [_path(nest, keys) for keys, _ in tree_flatten_with_path(nest)[0]]


def _path(nest: Any, keys: Sequence[Any]) -> str:
    words = ""
    for key in keys:
        field = getattr(key, "name", None)  # of a named tuple
        if field is None:
            index = getattr(key, "idx", getattr(key, "key", key))
            nest = nest[index]
        else:
            names = tuple(getattr(nest, "_fields", getattr(nest, "__match_args__", ())))
            index = names.index(field) if isinstance(nest, tuple) else field
            nest = getattr(nest, field)
        words += f"[{index!r}]"
    return words


def is_numeric_array(leaf: Any) -> TypeGuard[np.ndarray[Any, Any]]:
    """Whether it is a numpy array, or one of its numbers, that torch has a type for."""
    return is_array(leaf) and np.asarray(leaf).dtype.kind in "biufc"


def as_array(value: Tensor) -> Any:
    """The tensor's numbers as numpy's array, in the same memory where that is possible; one number as one."""
    return value.detach().resolve_conj().resolve_neg().numpy()[()]


def is_judged(leaf: Any) -> TypeGuard[Tensor]:
    """Whether it is a tensor whose numbers can be looked at one by one."""
    return is_tensor(leaf) and leaf.layout == torch.strided and not leaf.is_quantized


def real_pairs(value: Tensor) -> Tensor:
    """A complex tensor as pairs of its real and imaginary part; any other as it is.

    Formula: d loss / d Re + i d loss / d Im is torch's gradient, so that the pairs' gradient is its pairs
    Shapes:  (*shape, 2) for a complex (*shape)
    """
    return torch.view_as_real(value.resolve_conj()) if value.is_complex() else value


def complex_again(pairs: Tensor) -> Tensor:
    """The complex tensor of real_pairs; in the same memory where its strides allow that."""
    try:
        return torch.view_as_complex(pairs)
    except RuntimeError:
        return torch.complex(pairs[..., 0], pairs[..., 1])


def named_tensors(nest: Any, name: str) -> dict[str, Tensor]:
    """The tensors among the leaves, complex ones as pairs."""
    return tensors_of(named_leaves(nest, name))


def tensors_of(leaves: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors, and what can be made to one: dense ones of sparse ones, and of numpy's arrays."""
    found: dict[str, Tensor] = {}
    for name, leaf in leaves.items():
        if is_numeric_array(leaf):
            found[name] = real_pairs(torch.as_tensor(leaf))
        elif is_tensor(leaf):
            found[name] = real_pairs(dense(leaf))
    return found


def forms_of(found: Any) -> dict[str, Tensor] | None:
    """The outputs by name without their memory; None where one is no tensor that can be looked at."""
    leaves = named_leaves(found, "outputs")
    if not all(is_judged(leaf) and not leaf.is_nested for leaf in leaves.values()):
        return None
    return {
        name: torch.empty((), dtype=leaf.dtype, device=leaf.device).expand(leaf.shape)
        for name, leaf in leaves.items()
    }


def dense(value: Tensor) -> Tensor:
    """A sparse tensor with all its zeros, rows of several lengths filled up with them; any other as it is.

    Shapes: numbers of a few bits are the numbers that they stand for
    Errors: UserCodeError for one whose memory was given back: to read it would end the process
    """
    with torch._C.DisableTorchFunction():  # no mode need know of these looks, which outnumber all else
        if value._is_zerotensor():  # autograd's, of a function that is constant: it has no memory
            return torch.zeros(value.shape, dtype=value.dtype, device=value.device)
        refuse_freed(value)
        if value.is_quantized:
            return value.dequantize()
        if value.is_nested:
            return torch.nested.to_padded_tensor(value, 0.0)
        return value if value.layout == torch.strided else value.to_dense()


def refuse_freed(*values: Any, part: str = "memory") -> None:
    """UserCodeError for a tensor whose memory was given back: to read it would end the process."""
    with torch._C.DisableTorchFunction():  # no mode need know of these looks
        if not all(has_memory(value) for value in values if is_tensor(value)):
            told = "a tensor whose storage was resized to less than it is"
            raise UserCodeError(part, RuntimeError(told))


def has_memory(value: Tensor) -> bool:
    """Whether the memory behind its last element is there: a storage can be resized under its tensors.

    What torch.func hands to a function has none of its own that could be.
    """
    if value.layout != torch.strided or value.is_nested or value.is_meta or not value.numel():
        return True
    if value.is_contiguous():
        last = value.storage_offset() + value.numel() - 1
    else:
        sizes = zip(value.shape, value.stride(), strict=True)
        last = value.storage_offset() + sum((size - 1) * stride for size, stride in sizes)
    try:
        return value.untyped_storage().nbytes() >= (last + 1) * value.element_size()
    except NotImplementedError:
        return True


def is_wrapper(value: Tensor) -> bool:
    """Whether its numbers are in other tensors, or nowhere, as _make_wrapper_subclass makes it."""
    if value.layout != torch.strided:
        return False
    try:
        storage = value.untyped_storage()
        if storage.device != value.device:  # as of fake tensors
            return True
        storage.data_ptr()
    except (NotImplementedError, RuntimeError):  # there is none, or "an invalid python storage"
        return True
    return False


def copy_of(value: Tensor) -> Tensor:
    """A copy with the same shape and strides; an expanded tensor stays expanded."""
    if value.layout != torch.strided:
        return value.detach().clone()
    is_plain = type(value) is Tensor and value.is_contiguous() and not (value.is_neg() or value.is_conj())
    if is_plain and value.untyped_storage().nbytes() == value.nbytes:
        copied = value.detach().clone()
        if copied.stride() == value.stride():  # which those of a length of 1 need not be
            return copied
    storage = value.detach().untyped_storage().clone()  # type: ignore[no-untyped-call] # torch leaves it untyped
    return value.detach().new_empty(0).set_(storage, value.storage_offset(), value.shape, value.stride())
