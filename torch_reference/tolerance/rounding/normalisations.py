"""The normalisations, taken apart: 16 bits outside and float32 inside, their statistics included.

PyTorch's own decompositions hand the mean and 1 / deviation on in 16 bits on a processor, which no good
kernel does; and these take fewer operations.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Gradients = tuple[Tensor | None, ...]


def working(value: Tensor) -> Tensor:
    """In the dtype in which kernels work inside: float32 for 16 bits, else its own."""
    return value.float() if value.dtype in (torch.bfloat16, torch.float16) else value


def in_dtype(value: Tensor, dtype: torch.dtype) -> Tensor:
    """In that dtype; a value that is in it is not handed to torch, where each call costs microseconds."""
    return value if value.dtype == dtype else value.to(dtype)


def _normalised(x: Tensor, dims: list[int], epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    mean = x.mean(dims, keepdim=True)
    centred = x - mean
    scale = (_in_one_pass((centred * centred).mean(dims, keepdim=True), mean) + epsilon).rsqrt()
    return centred * scale, mean, scale


def _in_one_pass(spread: Tensor, mean: Tensor) -> Tensor:
    """A variance, with the rounding that it has where a kernel makes it and its mean in one pass, as Welford.

    Each running mean is off by u of itself, each term of the sum of squares by u · mean · deviation (Chan,
    Golub and LeVeque 1983), and so is the variance: as much as v + mean · deviation rounds.
    """
    beside = mean.abs() * spread.sqrt()
    return (spread + beside) - beside


def _with_gain(h: Tensor, gain: Tensor | None, bias: Tensor | None) -> Tensor:
    out = h if gain is None else h * gain
    return out if bias is None else out + bias


def _through_statistics(d_h: Tensor, h: Tensor, scale: Tensor, dims: list[int]) -> Tensor:
    """∂Loss/∂x = scale · (d_h − mean(d_h) − h · mean(d_h · h))."""
    return (d_h - d_h.mean(dims, keepdim=True) - h * (d_h * h).mean(dims, keepdim=True)) * scale


def layer_norm(
    x: Tensor, shape: Sequence[int], gain: Tensor | None, bias: Tensor | None, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """native_layer_norm: the output, and the statistics of each row."""
    h, mean, scale = _normalised(working(x), list(range(x.ndim - len(shape), x.ndim)), epsilon)
    return in_dtype(_with_gain(h, gain, bias), x.dtype), mean, scale


def layer_norm_backward(
    d_out: Tensor,
    x: Tensor,
    shape: Sequence[int],
    mean: Tensor,
    scale: Tensor,
    gain: Tensor | None,
    bias: Tensor | None,
    wanted: Sequence[bool],
) -> Gradients:
    """native_layer_norm_backward."""
    first = x.ndim - len(shape)
    inner, outer = list(range(first, x.ndim)), list(range(first))
    d, h = working(d_out), (working(x) - mean) * scale
    d_x = d_gain = d_bias = None
    if wanted[0]:
        d_h = d if gain is None else d * gain
        d_x = in_dtype(_through_statistics(d_h, h, scale, inner), x.dtype)
    if wanted[1] and gain is not None:
        d_gain = in_dtype(_over(d * h, outer), gain.dtype)
    if wanted[2] and bias is not None:
        d_bias = in_dtype(_over(d, outer), bias.dtype)
    return d_x, d_gain, d_bias


def _over(value: Tensor, dims: list[int]) -> Tensor:
    return value.sum(dims) if dims else value


def group_norm(
    x: Tensor,
    gain: Tensor | None,
    bias: Tensor | None,
    n: int,
    channels: int,
    positions: int,
    groups: int,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """native_group_norm: the output, and the statistics (n, groups)."""
    h, mean, scale = _normalised(working(x).reshape(n, groups, -1), [2], epsilon)
    out = _with_gain(h.reshape(n, channels, positions), _column(gain), _column(bias))
    return in_dtype(out.reshape(x.shape), x.dtype), mean.squeeze(2), scale.squeeze(2)


def group_norm_backward(
    d_out: Tensor,
    x: Tensor,
    mean: Tensor,
    scale: Tensor,
    gain: Tensor | None,
    n: int,
    channels: int,
    positions: int,
    groups: int,
    wanted: Sequence[bool],
) -> Gradients:
    """native_group_norm_backward."""
    h = (working(x).reshape(n, groups, -1) - mean.unsqueeze(2)) * scale.unsqueeze(2)
    d = working(d_out).reshape(n, channels, positions)
    d_x = d_gain = d_bias = None
    if wanted[0]:
        d_h = (d if gain is None else d * _column(gain)).reshape(n, groups, -1)
        d_x = in_dtype(_through_statistics(d_h, h, scale.unsqueeze(2), [2]).reshape(x.shape), x.dtype)
    if wanted[1] and gain is not None:
        d_gain = in_dtype((d * h.reshape(d.shape)).sum((0, 2)), gain.dtype)
    if wanted[2]:
        d_bias = in_dtype(d.sum((0, 2)), x.dtype if gain is None else gain.dtype)
    return d_x, d_gain, d_bias


def weight_norm(v: Tensor, gain: Tensor, dim: int = 0) -> tuple[Tensor, Tensor]:
    """_weight_norm_interface: gain · v / |v|, and the norms."""
    wide = working(v)
    norm = (wide * wide).sum(_all_but(wide, dim), keepdim=True).sqrt()
    return (wide * (working(gain) / norm)).to(v.dtype), norm


def weight_norm_backward(
    d_weight: Tensor, v: Tensor, gain: Tensor, norm: Tensor, dim: int
) -> tuple[Tensor, Tensor]:
    """_weight_norm_interface_backward."""
    d, wide = working(d_weight), working(v)
    along = (d * wide).sum(_all_but(wide, dim), keepdim=True)
    d_v = (working(gain) / norm) * (d - wide * (along / (norm * norm)))
    return d_v.to(v.dtype), (along / norm).to(gain.dtype)


def _all_but(x: Tensor, dim: int) -> list[int]:
    return [one for one in range(x.ndim) if one != dim % x.ndim]


def _column(value: Tensor | None) -> Any:
    return None if value is None else value.unsqueeze(-1)


def variance(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """var, in any of its signatures."""
    return variance_and_mean(x, *args, **kwargs)[0]


def deviation(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """std, in any of its signatures."""
    return deviation_and_mean(x, *args, **kwargs)[0]


def deviation_and_mean(x: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """std_mean, in any of its signatures."""
    spread, mean = variance_and_mean(working(x), *args, **kwargs)
    return spread.sqrt().to(x.abs().dtype), mean.to(x.dtype)


def variance_and_mean(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """var_mean, in any of its signatures."""
    if isinstance(dim, bool):  # var(x, unbiased)
        dim, unbiased = None, dim
    dims = [dim] if isinstance(dim, int) else list(dim or range(x.ndim))
    count = math.prod(x.shape[one] for one in dims)
    wide = working(x)
    mean = wide.mean(dims, keepdim=True)
    centred = (wide - mean).abs()
    squares = (centred * centred).sum(dims, keepdim=keepdim)
    spread = squares / max(count - (float(unbiased) if correction is None else correction), 0.0)
    mean = mean if keepdim else mean.squeeze(dims)
    return _in_one_pass(spread, mean).to(x.abs().dtype), mean.to(x.dtype)
