"""Fused operations, made of elementary ones: a mistake inside one is a mistake at one of these."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import handle_torch_function


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(variance + ε) · gain + bias."""
    dims = tuple(range(-len(normalized_shape), 0))
    return _scaled(normalised(input, dims, eps), weight, bias)


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
    result = normalised(grouped, (-1,), eps).reshape(input.shape)
    shape = (1, -1, *[1] * (input.ndim - 2))
    gain, shift = (None if value is None else value.reshape(shape) for value in (weight, bias))
    return _scaled(result, gain, shift)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Layer norm over everything but the channels; by the running numbers where they are to be used."""
    dims = (0, *range(2, input.ndim))
    shape = (1, -1, *[1] * (input.ndim - 2))
    gain, shift = (None if value is None else value.reshape(shape) for value in (weight, bias))
    if training or running_mean is None or running_var is None:
        return _scaled(normalised(input, dims, eps), gain, shift)
    mean, variance = running_mean.reshape(shape), running_var.reshape(shape)
    return _scaled((input - mean) * torch.rsqrt(variance + eps), gain, shift)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """⟨a, b⟩ / (|a| |b|)."""
    return (x1 * x2).sum(dim) / ((x1 * x1).sum(dim).sqrt() * (x2 * x2).sum(dim).sqrt())


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    **others: Any,
) -> Tensor:
    """softmax(Q Kᵀ · scale + mask) V.

    Errors: ValueError for dropout, which is not taken apart
    """
    if dropout_p:
        raise ValueError("not taken apart")
    if others.get("enable_gqa"):  # each head of key and value serves a group of neighbours
        groups = query.shape[-3] // key.shape[-3]
        key, value = (torch.repeat_interleave(each, groups, -3) for each in (key, value))
    scores = (query @ key.mT) * (scale if scale is not None else query.shape[-1] ** -0.5)
    if is_causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    elif attn_mask is not None and attn_mask.dtype is torch.bool:
        scores = scores.masked_fill(~attn_mask, float("-inf"))
    elif attn_mask is not None:
        scores = scores + attn_mask
    return torch.softmax(scores, -1) @ value


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *old: Any,
    reduction: str = "mean",
    **others: Any,
) -> Tensor:
    """−log softmax at the class, for classes as numbers and nothing special.

    Errors: ValueError for anything else, which is not taken apart
    """
    plain = all(value in (None, -100, 0.0) for value in (*old, *others.values()))
    if weight is not None or not plain or input.ndim != 2 or target.is_floating_point():
        raise ValueError("not taken apart")
    if bool((target < 0).any()):
        raise ValueError("not taken apart")
    losses = -torch.log_softmax(input, 1).gather(1, target[:, None])[:, 0]
    return {"mean": losses.mean, "sum": losses.sum}.get(reduction, lambda: losses)()


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Σ (target − input)², or its mean.

    Errors: ValueError for weights and for the options of old, which are not taken apart
    """
    if any(option is not None for option in (size_average, reduce, weight)):
        raise ValueError("not taken apart")
    squares = (target - input) ** 2
    return {"mean": squares.mean, "sum": squares.sum}.get(reduction, lambda: squares)()


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · sigmoid(x)."""
    return input * torch.sigmoid(input)


def normalised(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    """(x − mean) / √(variance + ε), as one call that a function mode sees, and as its parts inside it."""
    if torch._C._is_torch_function_mode_enabled():
        made: Tensor = handle_torch_function(normalised, (x,), x, dims, eps)
        return made
    return _by_parts(x, dims, eps)


def _by_parts(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    centred = x - x.mean(dims, keepdim=True)
    return centred * torch.rsqrt((centred * centred).mean(dims, keepdim=True) + eps)


def _scaled(x: Tensor, gain: Tensor | None, shift: Tensor | None) -> Tensor:
    if gain is not None:
        x = x * gain
    return x if shift is None else x + shift


TAKEN_APART: dict[Any, Callable[..., Tensor]] = {
    normalised: _by_parts,
    functional.layer_norm: layer_norm,
    functional.rms_norm: rms_norm,
    functional.group_norm: group_norm,
    functional.silu: silu,
    functional.batch_norm: batch_norm,
    functional.cosine_similarity: cosine_similarity,
    functional.scaled_dot_product_attention: attention,
    functional.cross_entropy: cross_entropy,
    functional.mse_loss: mse_loss,
}
"""torch's function -> the same of elementary operations; its value differs by roundings."""
