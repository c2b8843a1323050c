"""Fused operations, made of elementary ones: a mistake inside one is a mistake at one of these."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(variance + ε) · gain + bias."""
    dims = tuple(range(-len(normalized_shape), 0))
    return _scaled(_normalised(input, dims, eps), weight, bias)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """x / √(mean of squares + ε) · gain."""
    dims = tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    return _scaled(input * torch.rsqrt((input * input).mean(dims, keepdim=True) + eps), weight, None)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Layer norm over each group of channels."""
    grouped = input.reshape(len(input), num_groups, -1)
    normalised = _normalised(grouped, (-1,), eps).reshape(input.shape)
    shape = (1, -1, *[1] * (input.ndim - 2))
    gain, shift = (None if value is None else value.reshape(shape) for value in (weight, bias))
    return _scaled(normalised, gain, shift)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · sigmoid(x)."""
    return input * torch.sigmoid(input)


def _normalised(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    centred = x - x.mean(dims, keepdim=True)
    return centred * torch.rsqrt((centred * centred).mean(dims, keepdim=True) + eps)


def _scaled(x: Tensor, gain: Tensor | None, shift: Tensor | None) -> Tensor:
    if gain is not None:
        x = x * gain
    return x if shift is None else x + shift


TAKEN_APART: dict[Any, Callable[..., Tensor]] = {
    functional.layer_norm: layer_norm,
    functional.rms_norm: rms_norm,
    functional.group_norm: group_norm,
    functional.silu: silu,
}
"""torch's function -> the same of elementary operations; its value differs by roundings."""
