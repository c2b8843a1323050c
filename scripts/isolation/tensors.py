"""Tensors to bytes and back: the arguments with their strides, the results as plain numbers."""

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

Entry = dict[str, Any]


def written(value: Tensor) -> tuple[Entry, bytes]:
    """An argument with its memory, so that an expanded or a transposed tensor stays one."""
    value = value.detach()
    entry = {
        "dtype": dtype_name(value.dtype),
        "shape": list(value.shape),
        "stride": list(value.stride()),
        "offset": value.storage_offset(),
        "device": str(value.device),
    }
    return entry, bytes_of_storage(value)


def read(entry: Entry, memory: bytes) -> Tensor:
    """The argument, with memory of its own."""
    flat = (
        torch.frombuffer(bytearray(memory), dtype=torch.uint8)
        if memory
        else torch.empty(0, dtype=torch.uint8)
    )
    storage = flat.to(entry["device"]).untyped_storage()
    like = torch.empty(0, dtype=dtype_named(entry["dtype"]), device=entry["device"])
    return like.set_(storage, entry["offset"], entry["shape"], entry["stride"])


def bytes_of_storage(value: Tensor) -> bytes:
    """The whole memory that a tensor looks at."""
    storage = value.untyped_storage().cpu()
    return ctypes.string_at(storage.data_ptr(), storage.nbytes()) if storage.nbytes() else b""


def told(value: object, arguments: Mapping[str, Tensor]) -> tuple[Entry, bytes]:
    """A result of the derivation's, whatever it is, as plain numbers and what else the judge asks for."""
    if value is None:
        return {"kind": "none"}, b""
    if isinstance(value, Tensor):
        return _told_tensor(value, arguments)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub":
        array = np.ascontiguousarray(value)
        return {"kind": "array", "dtype": array.dtype.str, "shape": list(np.shape(value))}, array.tobytes()
    if isinstance(value, bool | int | float):
        try:
            return {"kind": "number", "value": float(value).hex()}, b""
        except OverflowError:
            pass
    return {"kind": "other", "type": type(value).__name__}, b""


def _told_tensor(value: Tensor, arguments: Mapping[str, Tensor]) -> tuple[Entry, bytes]:
    # A subclass may lie about itself: what it holds is read past it.
    with torch._C.DisableTorchFunctionSubclass():
        if value.layout != torch.strided or value.is_quantized:
            return {"kind": "other", "type": f"a tensor with the layout {value.layout}"}, b""
        plain = torch.Tensor.detach(value).as_subclass(Tensor)
        entry: Entry = {
            "kind": "tensor",
            "dtype": dtype_name(plain.dtype),
            "shape": list(plain.shape),
            "device": str(plain.device),
            "requires_grad": bool(value.requires_grad),
        }
        if plain.is_meta:
            return entry, b""
        memory = plain.untyped_storage().data_ptr()
        for name, argument in arguments.items():
            if memory and plain.numel() and memory == argument.untyped_storage().data_ptr():
                entry |= {"alias": name, "stride": list(plain.stride()), "offset": plain.storage_offset()}
        dense = torch.empty(plain.shape, dtype=plain.dtype)
        dense.copy_(plain)
        return entry, ctypes.string_at(dense.data_ptr(), dense.nbytes) if dense.numel() else b""


def taken(entry: Entry, memory: bytes, arguments: Mapping[str, Tensor]) -> Tensor | np.ndarray | float | None:
    """The result on the judge's side; a tensor that shared memory with an argument does so again.

    Errors: ValueError or TypeError for an entry that is none, TypeError for what is no number
    """
    kind = entry["kind"]
    if kind == "none":
        return None
    if kind == "number":
        return float.fromhex(entry["value"])
    if kind == "array":
        return np.frombuffer(bytearray(memory), dtype=np.dtype(entry["dtype"])).reshape(entry["shape"])
    if kind != "tensor":
        raise TypeError(str(entry["type"])[:80])
    return _taken_tensor(entry, memory, arguments)


def _taken_tensor(entry: Entry, memory: bytes, arguments: Mapping[str, Tensor]) -> Tensor:
    dtype, shape = dtype_named(entry["dtype"]), [int(size) for size in entry["shape"]]
    if entry["device"] == "meta":
        return torch.empty(shape, dtype=dtype, device="meta")
    flat = torch.frombuffer(bytearray(memory), dtype=dtype) if memory else torch.empty(0, dtype=dtype)
    value = flat.reshape(shape).to(entry["device"])
    argument = arguments.get(entry.get("alias", ""))
    if argument is not None and argument.dtype == dtype:
        value = argument.as_strided(shape, entry["stride"], entry["offset"])
    return value.requires_grad_() if entry["requires_grad"] is True else value


def dtype_name(dtype: torch.dtype) -> str:
    """float64 for torch.float64."""
    return str(dtype).removeprefix("torch.")


def dtype_named(name: object) -> torch.dtype:
    """torch.float64 for float64; ValueError for what names none."""
    found = getattr(torch, str(name), None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"expected a dtype, found {name!r}")  # noqa: TRY004 - a broken frame, not a wrong type
    return found
