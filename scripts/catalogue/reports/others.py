"""Memory that is read raw, short sequences, empty segments, repeated indices, masks that are drawn again."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from catalogue.ways.functions import function, saving
from catalogue.ways.reported import from_the_start

drawn = torch.Generator().manual_seed(3)
x, y = (torch.randn(4, 3, generator=drawn, dtype=torch.float64) for _ in range(2))
sequence = torch.randn(2, 3, 6, generator=drawn, dtype=torch.float64)
kernel = torch.randn(3, 4, generator=drawn, dtype=torch.float64)
column = torch.rand(4, 1, generator=drawn, dtype=torch.float64) + 0.5
GROUPS, ROWS = torch.tensor([0, 1, 2, 2]), torch.tensor([0, 2])
BUFFER: dict[Any, Tensor] = {}


def last_states(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """A causal convolution of each channel, and what it has to remember: the last three inputs."""
    padded = torch.nn.functional.pad(x, (w.shape[-1] - 1, 0))
    return (padded.unfold(-1, w.shape[-1], 1) * w[:, None]).sum(-1), padded[..., -(w.shape[-1] - 1) :]


def of_last_states(right: bool) -> type[torch.autograd.Function]:
    """Its backward; the place of a state is clamped where a sequence is shorter than the kernel."""

    def backward(ctx: Any, g: Tensor, d_state: Tensor) -> tuple[Tensor, Tensor]:
        x, w = ctx.saved_tensors
        length, width = x.shape[-1], w.shape[-1]
        padded = torch.nn.functional.pad(x, (width - 1, 0))
        d_w = (padded.unfold(-1, width, 1) * g[..., None]).sum((0, 2))
        ends = torch.nn.functional.pad(g, (0, width - 1))
        d_x = (ends.unfold(-1, width, 1) * w.flip(-1)[:, None]).sum(-1)
        start = length - (width - 1) if right else max(0, length - (width - 1))
        for t in range(max(start, 0), length):
            d_x[..., t] = d_x[..., t] + d_state[..., t - start]
        return d_x, d_w

    return function(saving(last_states), backward)


def segment_mean(x: Tensor, groups: Tensor) -> Tensor:
    """The mean of each of three groups of rows, zero of none."""
    total = torch.zeros(3, x.shape[-1], dtype=x.dtype).index_add(0, groups, x)
    return total / torch.bincount(groups, minlength=3).clamp(min=1)[:, None]


def of_segment_mean(right: bool) -> type[torch.autograd.Function]:
    """Its backward multiplies by what each group weighs, which of an empty one is 1 / 0."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        _, groups = ctx.saved_tensors
        count = torch.bincount(groups, minlength=3)
        weights = 1 / (count.clamp(min=1) if right else count).to(g.dtype)
        member = torch.nn.functional.one_hot(groups, 3).to(g.dtype)
        return member @ (weights[:, None] * g), None

    return function(saving(segment_mean), backward)


def scattered(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
    """Rows of x multiplied by rows of y, several times where an index is repeated."""
    made = list(x.unbind())
    for place, row in zip(index.tolist(), y, strict=False):
        made[place] = made[place] * row
    return torch.stack(made)


def of_scattered(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:
    """As if the last product were the only one."""
    x, y, index = ctx.saved_tensors
    d_x, d_y = g.clone(), torch.zeros_like(y)
    for number, place in enumerate(index.tolist()):
        d_x[place] = g[place] * y[number]
        d_y[number] = g[place] * x[place]
    return d_x, d_y, None


def of_each_scattered(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:
    """The product of all others."""
    x, y, index = ctx.saved_tensors
    d_x, d_y = g.clone(), torch.zeros_like(y)
    for number, place in enumerate(index.tolist()):
        d_x[place] *= y[number]
        others = [y[i] for i, other in enumerate(index.tolist()) if other == place and i != number]
        d_y[number] = g[place] * torch.stack([x[place], *others]).prod(0)
    return d_x, d_y, None


def gathers(right: bool) -> type[torch.autograd.Function]:
    """Rows of a table, whose gradient is added up in memory that is cleared, or that is as it was left."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        table, index = ctx.saved_tensors
        key = (table.shape, table.dtype)
        total = torch.zeros_like(table) if right else BUFFER.setdefault(key, torch.zeros_like(table))
        return total.index_add_(0, index, g).clone(), None

    return function(saving(lambda table, index: table[index]), backward)


def drops(again: bool) -> type[torch.autograd.Function]:
    """Dropout, whose mask the backward draws again or keeps."""

    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mask = torch.rand_like(x) > 0.5
        return x * ctx.mask * 2

    def backward(ctx: Any, g: Tensor) -> Tensor:
        return g * (torch.rand_like(g) > 0.5 if again else ctx.mask) * 2

    return function(forward, backward)


def kept(x: Tensor) -> Tensor:
    """The reference, which draws the same numbers."""
    return x * (torch.rand_like(x) > 0.5) * 2


def of_views(right: bool) -> type[torch.autograd.Function]:
    """Squared distances; saved views that are no memory of their own are read by .view."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
        a, b = ctx.saved_tensors
        flat = a.reshape(-1) if right else a.view(-1)
        d = 2 * g[..., None] * (flat.reshape(a.shape)[:, None] - b)
        return d.sum(1), -d.sum(0)

    return function(saving(distances), backward)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """The reference."""
    return (a[:, None] - b).square().sum(-1)


def unbroadcast(right: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A product with one number a row, whose gradient is summed over the row or is not.

    A pair, since autograd itself sums what a Function returns to its input's shape.
    """

    def backward(saved: tuple[Tensor, Tensor], g: Tensor) -> tuple[Tensor, Tensor]:
        x, c = saved
        return g * c, (g * x).sum(-1, keepdim=True) if right else g * x

    return (lambda x, c: (x * c, (x, c))), backward


def one_too_few(ctx: Any, g: Tensor) -> Tensor:
    """One gradient for two inputs."""
    return g * ctx.saved_tensors[1]


def both(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
    """Two."""
    return g * ctx.saved_tensors[1], g * ctx.saved_tensors[0]


two: Callable[..., Any] = lambda x: x * 2  # noqa: E731
OTHERS = {
    "a sequence shorter than the kernel (fla-org/flash-linear-attention#1140)": (
        of_last_states(False), of_last_states(True), last_states, (sequence, kernel)
    ),
    "an upstream with gaps read as if it had none (Dao-AILab/flash-attention#355, pytorch/FBGEMM#3006)": (
        function(lambda ctx, x: x * 2, from_the_start), function(lambda ctx, x: x * 2, lambda ctx, g: g * 2),
        two, (x,),
    ),
    "an empty segment (rusty1s/pytorch_scatter#118)": (
        of_segment_mean(False), of_segment_mean(True), segment_mean, (x, GROUPS)
    ),
    "products at one place (tracel-ai/burn#4909)": (
        function(saving(scattered), of_scattered), function(saving(scattered), of_each_scattered),
        scattered, (x, y, ROWS),
    ),
    "memory that is not cleared (PaddlePaddle/Paddle#18728)": (
        gathers(False), gathers(True), lambda table, index: table[index], (x, ROWS)
    ),
    "a mask that is drawn again (microsoft/onnxruntime#19715)": (drops(True), drops(False), kept, (x,)),
    "saved inputs with gaps (pytorch/pytorch#69997)": (of_views(False), of_views(True), distances, (x, y)),
    "a broadcast that is not summed (tenstorrent/tt-metal#40008)": (
        unbroadcast(False), unbroadcast(True), torch.mul, (x, column)
    ),
    "a gradient too few (huggingface/diffusers#12761)": (
        function(saving(torch.mul), one_too_few), function(saving(torch.mul), both), torch.mul, (x, y)
    ),
}  # fmt: skip
