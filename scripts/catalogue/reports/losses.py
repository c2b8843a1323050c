"""Losses: upstream gradients that are left out, and targets that are to be ignored and are not."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, huber_loss, one_hot

from catalogue.ways.functions import function

drawn = torch.Generator().manual_seed(1)
x, t = (torch.randn(4, 5, generator=drawn, dtype=torch.float64) for _ in range(2))
TARGETS, IGNORED = torch.tensor([0, 3, 1, 4]), torch.tensor([0, -100, 1, 4])
SMOOTHING = 0.1


def of_a_slope(value: Callable[..., Tensor], slope: Callable[..., Tensor], scaled: Any) -> Any:
    """A loss whose slope is known in the forward, and how its backward scales it."""

    def forward(ctx: Any, x: Tensor, t: Tensor) -> Tensor:
        ctx.save_for_backward(slope(x, t))
        return value(x, t)

    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return scaled(*ctx.saved_tensors, g), None

    return function(forward, backward)


def times(slope: Tensor, g: Tensor) -> Tensor:
    """Each row by its own upstream gradient."""
    return slope * (g[:, None] if g.ndim else g)


def alone(slope: Tensor, g: Tensor) -> Tensor:
    """As if the loss were the last thing."""
    return slope


def by_the_first(slope: Tensor, g: Tensor) -> Tensor:
    """All rows by the first one's."""
    return slope * g[0]


def of_huber(x: Tensor, t: Tensor) -> Tensor:
    """Clipped differences."""
    return (x - t).clamp(-1, 1)


def of_softmax(x: Tensor, t: Tensor) -> Tensor:
    """Probabilities less the target's."""
    return x.softmax(-1) - one_hot(t.clamp(min=0), x.shape[-1])


def over_all(x: Tensor, t: Tensor) -> Tensor:
    """Of the mean, also where a target is ignored."""
    return of_softmax(x, t) / (t >= 0).sum()


def of_those(x: Tensor, t: Tensor) -> Tensor:
    """Nothing where a target is ignored."""
    return of_softmax(x, t) * (t >= 0)[:, None]


def over_those(x: Tensor, t: Tensor) -> Tensor:
    """Of the mean of those that are not ignored."""
    return over_all(x, t) * (t >= 0)[:, None]


def smoothed(everywhere: bool) -> Callable[..., Tensor]:
    """With smoothed targets, whose even part may be left in rows that are to be ignored."""

    def slope(x: Tensor, t: Tensor) -> Tensor:
        kept, hot = (t >= 0)[:, None], one_hot(t.clamp(min=0), x.shape[-1]).to(x.dtype)
        even = x.softmax(-1) - SMOOTHING / x.shape[-1]
        if everywhere:
            return (even - (1 - SMOOTHING) * hot * kept) / kept.sum()
        return (even - (1 - SMOOTHING) * hot) * kept / kept.sum()

    return slope


huber = lambda x, t: huber_loss(x, t, reduction="sum")  # noqa: E731
each = lambda x, t: cross_entropy(x, t, reduction="none")  # noqa: E731
smooth = lambda x, t: cross_entropy(x, t, label_smoothing=SMOOTHING)  # noqa: E731
LOSSES = {
    "the upstream gradient is ignored (chainer/chainer#1175)": (
        of_a_slope(huber, of_huber, alone), of_a_slope(huber, of_huber, times), huber,
        (x.clone().requires_grad_(), t),
    ),
    "a factor of the loss has no effect (SeanNaren/warp-ctc#69)": (
        of_a_slope(cross_entropy, over_those, alone), of_a_slope(cross_entropy, over_those, times),
        cross_entropy, (x, TARGETS),
    ),
    "each row by the first row's upstream (linkedin/Liger-Kernel#968)": (
        of_a_slope(each, of_those, by_the_first), of_a_slope(each, of_those, times), each, (x, TARGETS)
    ),
    "a gradient for targets that are ignored (PaddlePaddle/Paddle#28622)": (
        of_a_slope(cross_entropy, over_all, times), of_a_slope(cross_entropy, over_those, times),
        cross_entropy, (x, IGNORED),
    ),
    "smoothed targets that are ignored (linkedin/Liger-Kernel#198)": (
        of_a_slope(smooth, smoothed(True), times), of_a_slope(smooth, smoothed(False), times), smooth,
        (x, IGNORED),
    ),
}  # fmt: skip
