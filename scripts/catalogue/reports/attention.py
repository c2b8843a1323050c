"""Attention whose backward forgets what its forward does: groups of heads, a window, a corner, a width."""

from typing import Any

import torch
from torch import Tensor

from catalogue.ways.functions import function

drawn = torch.Generator().manual_seed(0)
QUERIES, KEYS = (torch.randn(1, heads, 3, 4, generator=drawn, dtype=torch.float64) for heads in (4, 2))
LONGER = torch.randn(1, 2, 5, 4, generator=drawn, dtype=torch.float64)
WIDER = torch.randn(1, 2, 3, 6, generator=drawn, dtype=torch.float64)
q, k, v = (torch.randn(1, 2, 3, 4, generator=drawn, dtype=torch.float64) for _ in range(3))


def scores(q: Tensor, k: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Softmax of the products, of those that are allowed."""
    products = q @ k.mT / q.shape[-1] ** 0.5
    return (products if allowed is None else products.masked_fill(~allowed, -torch.inf)).softmax(-1)


def through(p: Tensor, q: Tensor, k: Tensor, v: Tensor, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of q, k and v."""
    d_p = g @ v.mT
    d_s = p * (d_p - (d_p * p).sum(-1, keepdim=True)) / q.shape[-1] ** 0.5
    return d_s @ k, d_s.mT @ q, p.mT @ g


def masked(allowed_forward: Any, allowed_backward: Any) -> type[torch.autograd.Function]:
    """With one mask in the forward and another in the backward, each of the two lengths."""

    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(q, k, v)
        return scores(q, k, allowed_forward(q.shape[-2], k.shape[-2])) @ v

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, ...]:
        q, k, v = ctx.saved_tensors
        return through(scores(q, k, allowed_backward(q.shape[-2], k.shape[-2])), q, k, v, g)

    return function(forward, backward)


def bottom_right(rows: int, columns: int) -> Tensor:
    """The last query sees all keys."""
    return torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)


def top_left(rows: int, columns: int) -> Tensor:
    """The first query sees the first key alone."""
    return torch.ones(rows, columns, dtype=torch.bool).tril()


def window(rows: int, columns: int) -> Tensor:
    """Each sees itself and the one before it."""
    return bottom_right(rows, columns).triu(columns - rows - 1)


def of_masks(allowed: Any) -> Any:
    """Plain attention with a mask."""
    return lambda q, k, v: scores(q, k, allowed(q.shape[-2], k.shape[-2])) @ v


def grouped(right: bool) -> type[torch.autograd.Function]:
    """Keys and values that several heads share: their gradients are summed, or the last one is kept."""

    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(q, k, v)
        return shared(q, k, v)

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, ...]:
        q, k, v = ctx.saved_tensors
        wide_k, wide_v = (each.repeat_interleave(q.shape[1] // k.shape[1], 1) for each in (k, v))
        d_q, d_k, d_v = through(scores(q, wide_k), q, wide_k, wide_v, g)
        heads = (each.unflatten(1, (k.shape[1], -1)) for each in (d_k, d_v))
        return d_q, *(each.sum(2) if right else each[:, :, -1] for each in heads)

    return function(forward, backward)


def shared(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same in plain torch."""
    k, v = (each.repeat_interleave(q.shape[1] // k.shape[1], 1) for each in (k, v))
    return scores(q, k) @ v


def interleaved(right: bool) -> type[torch.autograd.Function]:
    """Query head h uses key head h mod n; the backward divides by the other count."""

    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(q, k, v)
        return modulo(q, k, v)

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, ...]:
        q, k, v = ctx.saved_tensors
        heads, n = torch.arange(q.shape[1]), k.shape[1]
        share = q.shape[1] // n
        of = heads % n if right else (heads % share) % n
        d_q, d_k, d_v = through(scores(q, k[:, of]), q, k[:, of], v[:, of], g)
        return d_q, *(torch.zeros_like(k).index_add(1, of, each) for each in (d_k, d_v))

    return function(forward, backward)


def modulo(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same in plain torch."""
    of = torch.arange(q.shape[1]) % k.shape[1]
    return scores(q, k[:, of]) @ v[:, of]


def cut_to_the_width_of_queries(right: bool) -> type[torch.autograd.Function]:
    """Values that are wider than queries: what is beyond is masked out of the queries' gradient."""

    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(q, k, v)
        return scores(q, k) @ v

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, ...]:
        q, k, v = ctx.saved_tensors
        width = v.shape[-1] if right else q.shape[-1]
        p = scores(q, k)
        d_q = through(p, q, k, v[..., :width], g[..., :width])[0]
        return d_q, *through(p, q, k, v, g)[1:]

    return function(forward, backward)


SIX = torch.randn(1, 6, 3, 4, generator=drawn, dtype=torch.float64)
ATTENTION = {
    "the last head of a group (marin-community/levanter#449)": (
        grouped(False), grouped(True), shared, (QUERIES, KEYS, KEYS + 0.5)
    ),
    "heads divided by the other count (XunhaoLai/native-sparse-attention-triton#27)": (
        interleaved(False), interleaved(True), modulo, (SIX, KEYS, KEYS - 0.5)
    ),
    "cut to the width of queries (XunhaoLai/native-sparse-attention-triton#27)": (
        cut_to_the_width_of_queries(False), cut_to_the_width_of_queries(True),
        lambda q, k, v: scores(q, k) @ v, (q, k, WIDER),
    ),
    "aligned at the other corner (xlite-dev/ffpa-attn#300)": (
        masked(bottom_right, top_left), masked(bottom_right, bottom_right), of_masks(bottom_right),
        (q, LONGER, LONGER + 0.5),
    ),
    "no window in the backward (meta-pytorch/MSLK#263)": (
        masked(window, lambda *sizes: None), masked(window, window), of_masks(window), (q, k, v)
    ),
}  # fmt: skip
