"""What a derivation may return instead of tensors: Python numbers, and numpy's arrays."""

from collections.abc import Callable, Mapping
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
        return torch.tensor(float(value), dtype=torch.float64, device="cpu").to(like)
    return value


class Converted:
    """A derivation whose plain numbers are made to tensors; it remembers of which names that was true."""

    def __init__(self, derivation: Callable[[Mapping[str, Tensor]], Any], default: Tensor) -> None:
        """Wrap a derivation; the dtype of what it belongs to, or that of the default, is a number's."""
        self.derivation, self.default = derivation, default
        self.names: dict[str, None] = {}

    def __call__(self, point: Mapping[str, Tensor]) -> Any:
        """What the derivation returns, as tensors."""
        result = self.derivation(point)
        if isinstance(result, Mapping):
            plain = (name for name, value in result.items() if not isinstance(value, Tensor | None))
            self.names |= dict.fromkeys(name for name in plain if isinstance(name, str))
        return as_tensors(result, point, self.default)
