"""Groups and sequences of several lengths, of which one may be empty or cut short; parts of a batch."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from catalogue.ways.functions import function, saving

drawn = torch.Generator().manual_seed(7)
tokens, few, more = (torch.randn(n, 3, generator=drawn, dtype=torch.float64) for n in (6, 4, 4))
experts = torch.randn(3, 3, 2, generator=drawn, dtype=torch.float64)
first, slope = (torch.rand(4, generator=drawn, dtype=torch.float64) + 0.5 for _ in range(2))
SIZES, LENGTHS, STARTS = torch.tensor([2, 1, 3]), torch.tensor([4, 2]), torch.tensor([0, 2, 3, 6])
MOST = 3


def by_experts(x: Tensor, w: Tensor, sizes: Tensor) -> Tensor:
    """Each group of rows times a matrix of its own."""
    return torch.cat([part @ own for part, own in zip(x.split(sizes.tolist()), w, strict=True)])


def of_experts(right: bool) -> type[torch.autograd.Function]:
    """Its backward; the gradient of a matrix without a row is zero, or is never written."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:
        x, w, sizes = ctx.saved_tensors
        d_w = torch.zeros_like(w) if right else torch.empty_like(w)
        d_x, parts = [], zip(x.split(sizes.tolist()), g.split(sizes.tolist()), strict=True)
        for number, (part, above) in enumerate(parts):
            d_x.append(above @ w[number].mT)
            if len(part):
                d_w[number] = part.mT @ above
        return torch.cat(d_x), d_w, None

    return function(saving(by_experts), backward)


def softmax_of_each(x: Tensor, starts: Tensor) -> Tensor:
    """The softmax along each sequence, one after another in memory."""
    return torch.cat([part.softmax(0) for part in x.split(starts.diff().tolist())])


def of_each(right: bool) -> type[torch.autograd.Function]:
    """Its backward; a sequence without an element is passed over, or what stands there is overwritten."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        x, starts = ctx.saved_tensors
        y, d = softmax_of_each(x, starts), torch.zeros_like(x)
        for start, end in zip(starts.tolist(), starts[1:].tolist(), strict=False):
            one, above = y[start:end], g[start:end]
            d[start:end] = one * (above - (above * one).sum(0))
            if start == end and not right:
                d[start - 1] = 0
        return d, None

    return function(saving(softmax_of_each), backward)


def packed(x: Tensor, lengths: Tensor) -> Tensor:
    """Sequences side by side, of which three elements are kept."""
    kept = [part[:MOST] for part in x.split(lengths.tolist())]
    return torch.stack([pad(part, (0, 0, 0, MOST - len(part))) for part in kept])


def of_packed(right: bool) -> type[torch.autograd.Function]:
    """Its backward; what was cut off has no gradient, or is never written."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        x, lengths = ctx.saved_tensors
        d = torch.zeros_like(x) if right else torch.empty_like(x)
        for part, above in zip(d.split(lengths.tolist()), g, strict=True):
            part[:MOST] = above[: len(part)]
        return d, None

    return function(saving(packed), backward)


def normalised(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """A batch norm of two workers' parts."""
    x = torch.cat([a, b])
    y = (x - x.mean(0)) * (x.var(0, unbiased=False) + 1e-5).rsqrt()
    return y[: len(a)], y[len(a) :]


def of_normalised(right: bool) -> type[torch.autograd.Function]:
    """Its backward by the mean of all, or by the mean of both parts' means."""

    def mean(of_a: Tensor, of_b: Tensor) -> Tensor:
        return torch.cat([of_a, of_b]).mean(0) if right else (of_a.mean(0) + of_b.mean(0)) / 2

    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor, ...]:
        scale = (torch.cat(ctx.saved_tensors).var(0, unbiased=False) + 1e-5).rsqrt()
        h = normalised(*ctx.saved_tensors)
        along = mean(above[0] * h[0], above[1] * h[1])
        return tuple(scale * (g - mean(*above) - own * along) for g, own in zip(above, h, strict=True))

    return function(saving(normalised), backward)


def powers(start: Tensor, factor: Tensor) -> Tensor:
    """A recurrence from its start on."""
    states = [start]
    for _ in range(3):
        states.append(states[-1] * factor)
    return torch.stack(states)


def of_powers(right: bool) -> type[torch.autograd.Function]:
    """From behind; the start, which is an output as well, may be left out."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
        states, factor = powers(*ctx.saved_tensors), ctx.saved_tensors[1]
        carried, d_factor = torch.zeros_like(factor), torch.zeros_like(factor)
        for t in (3, 2, 1):
            carried = carried + g[t]
            d_factor, carried = d_factor + carried * states[t - 1], carried * factor
        return carried + g[0] if right else carried, d_factor

    return function(saving(powers), backward)


SEQUENCES: dict[str, tuple[Any, Any, Callable[..., Any], tuple[Any, ...]]] = {
    "an expert without a token (pytorch/pytorch#172439)": (
        of_experts(False), of_experts(True), by_experts, (tokens, experts, SIZES)
    ),
    "a sequence without an element (Dao-AILab/flash-attention#443)": (
        of_each(False), of_each(True), softmax_of_each, (tokens, STARTS)
    ),
    "what is cut off is never written (pytorch/FBGEMM#5754)": (
        of_packed(False), of_packed(True), packed, (tokens, LENGTHS)
    ),
    "the mean of two means (pytorch/pytorch#36382)": (
        of_normalised(False), of_normalised(True), normalised, (few, more)
    ),
    "the start of a recurrence (pymc-devs/sunode#35)": (
        of_powers(False), of_powers(True), powers, (first, slope)
    ),
}  # fmt: skip
