"""Values as Python that can be pasted, with decimal numbers that people can read."""

from typing import Any

import torch

from torch_reference.judging.calls.really import is_tensor


def pasteable(value: Any) -> str:
    """A tensor, or a nest of tensors and plain values, as an expression that makes it.

    Shapes: any; strides are not kept

    >>> import torch
    >>> print(pasteable((torch.tensor([0.1, 2.0], dtype=torch.float64), 3)))
    (torch.tensor([0.1, 2.0], dtype=torch.float64), 3)
    """
    if is_tensor(value):
        numbers = value.detach().cpu()
        if numbers.dtype in (torch.bfloat16, torch.float16):
            numbers = numbers.double()
        text = repr(numbers.tolist()).replace("inf", "torch.inf").replace("nan", "torch.nan")
        made = f"torch.tensor({text}, dtype={value.dtype})"
        return made if value.numel() else f"torch.empty({tuple(value.shape)}, dtype={value.dtype})"
    if isinstance(value, tuple | list):
        inner = ", ".join(map(pasteable, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {pasteable(of)}' for key, of in value.items())}}}"
    return repr(value)
