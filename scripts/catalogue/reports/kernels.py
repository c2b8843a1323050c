"""Kernels whose backward is of another call than their forward: masks, scales, strides, rows in blocks."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from catalogue.reports.attention import k, masked, of_masks, q, top_left, v
from catalogue.ways.functions import function, saving

drawn = torch.Generator().manual_seed(5)
x = torch.randn(4, 6, generator=drawn, dtype=torch.float64)
gain = torch.rand(6, generator=drawn, dtype=torch.float64) + 0.5
rows = torch.rand(4, 1, generator=drawn, dtype=torch.float64) + 0.5
angles = torch.randn(4, 3, generator=drawn, dtype=torch.float64)
weights = torch.randn(8, generator=drawn, dtype=torch.float64)


def everything(of_queries: int, of_keys: int) -> Tensor:
    """No mask."""
    return torch.ones(of_queries, of_keys, dtype=torch.bool)


def scaled_rows(x: Tensor, gain: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Two branches of one layer, both times a number of each row."""
    return x * gain * rows, torch.tanh(x) * rows


def of_scaled_rows(right: bool) -> type[torch.autograd.Function]:
    """Its backward; the second branch's may be without the rows' numbers."""

    def backward(ctx: Any, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, gain, rows = ctx.saved_tensors
        scaled = other * rows if right else other
        d_x = one * gain * rows + scaled * (1 - torch.tanh(x) ** 2)
        d_rows = (one * x * gain).sum(1, keepdim=True) + (other * torch.tanh(x)).sum(1, keepdim=True)
        return d_x, (one * x * rows).sum(0), d_rows

    return function(saving(scaled_rows), backward)


def rotated(x: Tensor, angles: Tensor) -> Tensor:
    """Pairs of columns turned by angles."""
    one, other = x.chunk(2, -1)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat([one * cosine - other * sine, other * cosine + one * sine], -1)


def turned(right: bool) -> type[torch.autograd.Function]:
    """The angles are constants; the input is overwritten by the result, or is not."""

    def forward(ctx: Any, x: Tensor, angles: Tensor) -> Tensor:
        ctx.save_for_backward(angles)
        made = rotated(x, angles)
        return made if right else x.detach().copy_(made)

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return rotated(g, -ctx.saved_tensors[0]), None

    return function(forward, backward)


def weighted_sums(x: Tensor) -> Tensor:
    """The sum of all blocks' products with one number that all share."""
    return x * x.exp().sum()


def of_blocks(right: bool) -> type[torch.autograd.Function]:
    """What the blocks of two share is added up over all, or is what the last one left."""

    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        shared = torch.zeros((), dtype=x.dtype)
        for block in (g * x).split(2):
            shared = shared + block.sum() if right else block.sum()
        return g * x.exp().sum() + shared * x.exp()

    return function(saving(weighted_sums), backward)


def halves(x: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
    """Two products, which a network puts side by side."""
    return x * gain, x / gain


def of_halves(right: bool) -> type[torch.autograd.Function]:
    """Rows of the upstream gradients begin where those of x do, or where they do."""

    def backward(ctx: Any, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        x, gain = ctx.saved_tensors
        if not right:
            one, other = (raw(each, x) for each in (one, other))
        return one * gain + other / gain, (one * x - other * x / gain**2).sum(0)

    return function(saving(halves), backward)


def raw(value: Tensor, like: Tensor) -> Tensor:
    """The memory of the one read with the strides of the other, as far as it goes."""
    strides, numbers = like.stride(), value.untyped_storage().nbytes() // value.element_size()
    last = value.storage_offset() + sum(
        (size - 1) * step for size, step in zip(like.shape, strides, strict=True)
    )
    return value.as_strided(like.shape, strides) if last < numbers else value


def cut_off(x: Tensor, angles: Tensor) -> Tensor:
    """A kernel that no backward knows."""
    return rotated(x.detach(), angles)


whole: Callable[..., Any] = lambda x, angles: rotated(x, angles.detach())  # noqa: E731
KERNELS = {
    "a causal backward of what is not (triton-lang/triton#5660)": (
        masked(everything, top_left), masked(everything, everything), of_masks(everything), (q, k, v)
    ),
    "the second branch without its rows' scale (state-spaces/mamba#1023)": (
        of_scaled_rows(False), of_scaled_rows(True), scaled_rows, (x, gain, rows)
    ),
    "an input that is overwritten (unslothai/unsloth#5001)": (
        turned(False), turned(True), whole, (x.clone().requires_grad_(), angles)
    ),
    "what the last block left (lucidrains/CoLT5-attention#8)": (
        of_blocks(False), of_blocks(True), weighted_sums, (weights,)
    ),
    "rows of the upstream where those of the input begin (pytorch/pytorch#194719)": (
        of_halves(False), of_halves(True), halves, (x, gain)
    ),
    "a kernel without a backward (NVlabs/LongLive#61)": (
        cut_off, whole, whole, (x.clone().requires_grad_(), angles)
    ),
}  # fmt: skip
