"""What a backward forgets of an option, a mask or a constant: hidden where that is 0 or 1 throughout."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv_transpose2d, cross_entropy, one_hot, prelu

from catalogue.ways.functions import function, saving

drawn = torch.Generator().manual_seed(7)


def normal(*shape: int) -> Tensor:
    """Numbers in float64."""
    return torch.randn(*shape, generator=drawn, dtype=torch.float64)


def transposed(x: Tensor, w: Tensor, stride: int, dilation: int) -> Tensor:
    """A transposed convolution."""
    return conv_transpose2d(x, w, stride=stride, dilation=dilation)


def of_transposed(right: bool) -> type[torch.autograd.Function]:
    """Its stride is the dilation of the weights' gradient, and the other way: or the two are as they were."""

    def forward(ctx: Any, x: Tensor, w: Tensor, stride: int, dilation: int) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.steps = stride, dilation
        return transposed(x, w, stride, dilation)

    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        (x, w), (stride, dilation) = ctx.saved_tensors, ctx.steps
        d_x = torch.conv2d(g, w, stride=stride, dilation=dilation)
        steps = (dilation, stride) if right else (stride, dilation)
        d_w = torch.conv2d(g.transpose(0, 1), x.transpose(0, 1), stride=steps[0], dilation=steps[1])
        return d_x, d_w.transpose(0, 1), None, None

    return function(forward, backward)


def capped(scores: Tensor, cap: float) -> Tensor:
    """A softmax of scores that a cap bounds; 0 is none."""
    return (cap * torch.tanh(scores / cap) if cap else scores).softmax(-1)


def of_capped(right: bool) -> type[torch.autograd.Function]:
    """Its backward multiplies by the cap's slope, or does not."""

    def forward(ctx: Any, scores: Tensor, cap: float) -> Tensor:
        ctx.save_for_backward(scores)
        ctx.cap = cap
        return capped(scores, cap)

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (scores,), cap = ctx.saved_tensors, ctx.cap
        p = capped(scores, cap)
        d_scores = p * (g - (g * p).sum(-1, keepdim=True))
        return d_scores * (1 - torch.tanh(scores / cap) ** 2) if cap and right else d_scores, None

    return function(forward, backward)


def dropped(scores: Tensor, v: Tensor, keep: Tensor) -> Tensor:
    """Attention of which a mask leaves some out."""
    return (scores.softmax(-1) * keep) @ v


def of_dropped(right: bool) -> type[torch.autograd.Function]:
    """Its backward takes the probabilities before the mask, or those after it."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:
        scores, v, keep = ctx.saved_tensors
        before = scores.softmax(-1)
        p, d_p = (before, g @ v.mT * keep) if right else (before * keep, g @ v.mT)
        return p * (d_p - (d_p * p).sum(-1, keepdim=True)), (before * keep).mT @ g, None

    return function(saving(dropped), backward)


def of_weights(right: bool) -> type[torch.autograd.Function]:
    """A loss that is divided by the weights of its targets, or in the backward by their number."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        x, targets, weights = ctx.saved_tensors
        of_targets = torch.where(targets >= 0, weights[targets.clamp(min=0)], 0)
        d = (x.softmax(-1) - one_hot(targets.clamp(min=0), x.shape[-1])) * of_targets[:, None]
        return g * d / (of_targets.sum() if right else len(targets)), None, None

    return function(saving(cross_entropy), backward)


def sums(x: Tensor, starts: Tensor) -> Tensor:
    """Running sums of each sequence; rows after the last one are padding, and zero."""
    d = torch.zeros_like(x)
    for start, end in zip(starts.tolist(), starts[1:].tolist(), strict=False):
        d[start:end] = x[start:end].cumsum(0)
    return d


def of_sums(right: bool) -> type[torch.autograd.Function]:
    """What is padding has a gradient of zero, or whatever lay there."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        _, starts = ctx.saved_tensors
        d = torch.zeros_like(g) if right else torch.full_like(g, 7.0)
        for start, end in zip(starts.tolist(), starts[1:].tolist(), strict=False):
            d[start:end] = g[start:end].flip(0).cumsum(0).flip(0)
        return d, None

    return function(saving(sums), backward)


def of_slopes(right: bool) -> type[torch.autograd.Function]:
    """One slope for all channels, or one for each, of which the backward knows, or does not."""

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
        x, slope = ctx.saved_tensors
        of_each = torch.where(x < 0, g * x, 0)
        total = of_each.sum().expand(slope.shape)
        return torch.where(x > 0, g, g * slope), of_each.sum(0) if right and len(slope) > 1 else total

    return function(saving(prelu), backward)


ones = torch.ones(5, dtype=torch.float64)
OPTIONS: dict[str, tuple[Any, Any, Callable[..., Any], tuple[Any, ...]]] = {
    "stride and dilation (huggingface/candle#2337)": (
        of_transposed(False), of_transposed(True), transposed, (normal(2, 2, 3, 3), normal(2, 3, 2, 2), 1, 1)
    ),
    "no cap (Dao-AILab/flash-attention#2876)": (
        of_capped(False), of_capped(True), capped, (normal(3, 4), 0.0)
    ),
    "nothing is dropped (aws-neuron/nki-samples#81)": (
        of_dropped(False), of_dropped(True), dropped,
        (normal(4, 5), normal(5, 3), torch.ones(4, 5, dtype=torch.bool)),
    ),
    "weights of ones (linkedin/Liger-Kernel#420)": (
        of_weights(False), of_weights(True), cross_entropy,
        (normal(4, 5).requires_grad_(), torch.tensor([0, 4, 2, 2]), ones),
    ),
    "no padding (QwenLM/FlashQLA#28)": (
        of_sums(False), of_sums(True), sums, (normal(6, 3), torch.tensor([0, 2, 6]))
    ),
    "one slope (kulinseth/pytorch#334)": (
        of_slopes(False), of_slopes(True), prelu, (normal(4, 3), ones[:1] / 4)
    ),
}  # fmt: skip
