"""What a derivation may return instead of tensors: Python numbers, and numpy's arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def as_tensors(result: Any, like: Mapping[str, Tensor], default: Tensor) -> Any:
    """The derivation's result with each number or array as a tensor, in the dtype of what it belongs to.

    A Python number is a float64, and is rounded once to a lower precision. An array keeps its own precision
    where that is lower, so that it can be told. Whatever else it holds, or is, is left as it is.

    Shapes: a number has shape (), an array keeps its shape; like maps a name to what the gradient belongs to,
            default serves names that it does not have

    >>> weight = torch.tensor([1.0, 2.0])
    >>> as_tensors({"w": np.array([0.5, 0.25]), "b": 3}, {"w": weight}, weight)
    {'w': tensor([0.5000, 0.2500]), 'b': tensor(3.)}
    """
    if not isinstance(result, Mapping):
        return result
    return {name: _as_tensor(value, like.get(name, default)) for name, value in result.items()}


def _as_tensor(value: Any, like: Tensor) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub":
        tensor = torch.from_numpy(np.array(value)).to(like.device)
        as_precise = (
            torch.promote_types(tensor.dtype, like.dtype) != like.dtype or not tensor.is_floating_point()
        )
        return tensor.to(like.dtype) if as_precise else tensor
    if isinstance(value, int | float):
        return torch.tensor(float(value), dtype=torch.float64).to(like)
    return value
