"""Tensors as Python source, without losing a bit, a stride or a device."""

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

READER = """def tensor(shape, dtype, numbers, strides=None, device="cpu"):
    real = dtype.is_floating_point
    values = [float.fromhex(number) if real else int(number) for number in numbers.split()]
    values = torch.tensor(values, dtype=torch.float64 if real else torch.int64).to(device, dtype)
    return values.reshape(shape) if strides is None else values.as_strided(shape, strides)


def load(name):
    module, _, attribute = name.partition(":")
    return attrgetter(attribute)(import_module(module))
"""
"""What a script needs to read the literals, and to import what it checks."""


SHOWN = 8
"""Numbers of a tensor that the comment beside it shows."""


def word(text: str) -> str:
    """A text as a literal of Python's that nothing in it can end.

    >>> print(word('a"b'))
    "a\\"b"
    """
    # JSON writes a sign beyond 16 bits as two that are no sign at all to Python.
    return json.dumps(text) if max(text, default="") <= "\uffff" else ascii(text)


def source(value: Any) -> str:
    """A value as Python source: tensors, numbers, words and their nests in tuples, lists and dicts.

    Errors: ValueError for anything else

    >>> source((True, ["a", None]))
    '(True, ["a", None])'
    """
    if isinstance(value, Tensor):
        return literal(value)
    if isinstance(value, tuple | list):
        inner = ", ".join(map(source, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{source(key)}: {source(of)}' for key, of in value.items())}}}"
    if isinstance(value, float):
        return f'float.fromhex("{value.hex()}")'
    if isinstance(value, str):
        return word(value)
    if value is None or isinstance(value, bool | int | bytes):
        return repr(value)
    if isinstance(value, torch.dtype | torch.device):
        return repr(value) if isinstance(value, torch.dtype) else f'torch.device("{value}")'
    raise ValueError(f"a {type(value).__name__} cannot be written into a script: {value!r:.60}")


def literal(value: Tensor) -> str:
    """A call of the reader's tensor(), with hexadecimal floats; where it has gaps, it is written as zeros."""
    if value.is_complex():
        return f"torch.view_as_complex({literal(torch.view_as_real(value.resolve_conj()))})"
    contiguous = value.is_contiguous()
    numbers = (value if contiguous else memory(value, value.stride())).flatten()
    if value.is_floating_point():
        words = [float(number).hex() for number in numbers.double().tolist()]
    else:
        words = [str(int(number)) for number in numbers.tolist()]
    arguments = [f"{tuple(value.shape)}", f"{value.dtype}", f'"{" ".join(words)}"']
    if not contiguous:
        arguments.append(f"{value.stride()}")
    if value.device.type != "cpu":
        arguments.append(f'device="{value.device}"')
    return f"tensor({', '.join(arguments)})"


def decimals(value: Any) -> str:
    """The numbers once more as people read them, as a comment: "  # 0.36 0.63"; empty for whole numbers.

    >>> decimals(torch.tensor([0.36, 0.63])), decimals(torch.tensor([1]))
    ('  # 0.36 0.63', '')
    """
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return ""
    numbers = [f"{number:.6g}" for number in value.flatten()[:SHOWN].double().tolist()]
    if not numbers:
        return ""
    return f"  # {' '.join(numbers)}{' …' if value.numel() > SHOWN else ''}"


def laid_out(values: Tensor, like: Tensor) -> Tensor:
    """The values in new memory, with the strides of another tensor of their shape."""
    if like.is_contiguous():
        return values.contiguous()
    return memory(values, like.stride()).as_strided(like.shape, like.stride())


def memory(values: Tensor, strides: Sequence[int]) -> Tensor:
    """The memory that holds the values at these strides, with zeros in its gaps.

    Shapes: values (*shape), which are equal wherever the strides put several in one place; result (places)
    """
    last = sum((size - 1) * stride for size, stride in zip(values.shape, strides, strict=True))
    places = torch.arange(last + 1, device=values.device).as_strided(values.shape, strides)
    found = values.new_zeros(last + 1)
    found[places.flatten()] = values.flatten()
    return found
