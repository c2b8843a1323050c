"""Norms and gates: gains that get no gradient, or are left out of another one; sums over too few elements."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import group_norm, rms_norm, silu

from catalogue.ways.functions import function, saving

drawn = torch.Generator().manual_seed(2)
x = torch.randn(4, 6, generator=drawn, dtype=torch.float64)
gate = torch.randn(4, 6, generator=drawn, dtype=torch.float64)
gain = torch.rand(6, generator=drawn, dtype=torch.float64) + 0.5
images = torch.randn(2, 4, 3, 3, generator=drawn, dtype=torch.float64)
w, b = gain[:4].clone(), gain[2:].clone()
EPS = 1e-6


def rms(x: Tensor, gain: Tensor) -> Tensor:
    """The reference."""
    return rms_norm(x, gain.shape, gain, EPS)


def of_rms(
    gained: bool = True,
    d_gain: Callable[[Tensor], Tensor | None] = lambda each: each.sum(0),
    late: bool = False,
) -> type[torch.autograd.Function]:
    """Its backward, without the gain in it, with another gradient of the gain, or with one that is late."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor | None]:
        x, gain = ctx.saved_tensors
        scale = (x.square().mean(-1, keepdim=True) + EPS).rsqrt()
        h, d_h = x * scale, g * gain if gained else g
        d_x = scale * (d_h - h * (d_h * h).mean(-1, keepdim=True))
        return d_x, d_gain((d_x if late else g) * h)

    return function(saving(rms), backward)


def groups(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The reference, of two groups."""
    return group_norm(x, 2, w, b)


def of_groups(right: bool) -> type[torch.autograd.Function]:
    """Its backward, whose sums go over a channel, or over the first row of each."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, ...]:
        x, w, _ = ctx.saved_tensors
        y = x.reshape(len(x), 2, -1)
        y = y - y.mean(-1, keepdim=True)
        scale = (y.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
        h, d_h = y * scale, (g * w[:, None, None]).reshape(y.shape)
        d_x = scale * (d_h - d_h.mean(-1, keepdim=True) - h * (d_h * h).mean(-1, keepdim=True))
        whole = slice(None) if right else slice(1)
        d_w, d_b = (each[:, :, whole].sum((0, 2, 3)) for each in (g * h.reshape(x.shape), g))
        return d_x.reshape(x.shape), d_w, d_b

    return function(saving(groups), backward)


def gated(e: Tensor, g: Tensor) -> Tensor:
    """SwiGLU."""
    return silu(e) * g


def of_gated(right: bool) -> type[torch.autograd.Function]:
    """Its backward, with what belongs to one half stored as the other's."""

    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, Tensor]:
        e, g = ctx.saved_tensors
        s = e.sigmoid()
        d_e, d_g = d * g * s * (1 + e * (1 - s)), d * e * s
        return (d_e, d_g) if right else (d_g, d_e)

    return function(saving(gated), backward)


def length(x: Tensor) -> Tensor:
    """The Euclidean norm of each row."""
    return x.norm(dim=-1)


def of_length(ctx: Any, g: Tensor) -> Tensor:
    """0 / 0 at a row of zeros."""
    (x,) = ctx.saved_tensors
    return g[:, None] * x / x.norm(dim=-1, keepdim=True)


def of_length_at_zero_too(ctx: Any, g: Tensor) -> Tensor:
    """Zero there."""
    (x,) = ctx.saved_tensors
    size = x.norm(dim=-1, keepdim=True)
    return torch.where(size > 0, g[:, None] * x / torch.where(size > 0, size, 1.0), 0.0)


RIGHT = of_rms()
NORMS = {
    "no gain in the inputs' gradient (karpathy/llm.c#763)": (of_rms(gained=False), RIGHT, rms, (x, gain)),
    "the gain's gradient is never written (paiml/trueno#178)": (
        of_rms(d_gain=lambda each: torch.zeros_like(each[0])), RIGHT, rms, (x, gain)
    ),
    "None for the gain's gradient (unslothai/unsloth#4550)": (
        of_rms(d_gain=lambda each: None), RIGHT, rms, (x, gain)
    ),
    "the gain's gradient after the upstream is overwritten (unslothai/unsloth#4550)": (
        of_rms(late=True), RIGHT, rms, (x, gain)
    ),
    "the first row of each channel (linkedin/Liger-Kernel#1375)": (
        of_groups(False), of_groups(True), groups, (images, w, b)
    ),
    "one half of a gate for the other (unslothai/unsloth#3314)": (
        of_gated(False), of_gated(True), gated, (x, gate)
    ),
    "a norm at zero (pytorch/pytorch#2421, tenstorrent/tt-metal#56408)": (
        function(saving(length), of_length), function(saving(length), of_length_at_zero_too), length, (x,)
    ),
}  # fmt: skip
