"""Mistakes of kinds that were reported in public, each shown by one way of calling only."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from catalogue.ways.functions import function, saving, w, x

KEPT: dict[Any, Tensor] = {}


def kept_by_shape(ctx: Any, x: Tensor) -> Tensor:
    """What the first call of each shape left."""
    ctx.kept = KEPT.setdefault((x.shape, x.dtype), x.detach().clone())
    return x * x


def kept_for_all(ctx: Any, x: Tensor) -> Tensor:
    """What the last call left."""
    KEPT["last"] = x.detach().clone()
    return x * x


def in_one_buffer(ctx: Any, g: Tensor) -> Tensor:
    """One tensor for the gradients of all calls, which the next one overwrites."""
    (x,) = ctx.saved_tensors
    buffer = KEPT.setdefault(("buffer", x.shape, x.dtype), torch.zeros_like(x))
    return buffer.copy_(2 * g * x)


def both_or_nothing(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Two outputs, each of which may be unused."""
    ctx.set_materialize_grads(False)
    return x * 2, x * 3


def nothing_without_the_first(ctx: Any, a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """Leaves out the second output's part where the first is unused."""
    return None if a is None else a * 2 + (0 if b is None else b * 3)


def mean_where(x: Tensor, mask: Tensor) -> Tensor:
    """The mean of what a mask leaves, zero of nothing."""
    return torch.where(mask, x, 0.0).sum(-1) / mask.sum(-1).clamp(min=1)


def divides_by_the_count(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
    """Which may be zero."""
    _, mask = ctx.saved_tensors
    return (g / mask.sum(-1))[:, None] * mask, None


def of_the_quotient(ctx: Any, g: Tensor) -> Tensor:
    """The product divided by each factor, which may be zero."""
    (x,) = ctx.saved_tensors
    return (g * x.prod(-1))[:, None] / x


def of_the_exponential(ctx: Any, g: Tensor) -> Tensor:
    """e^x / (1 + e^x), which overflows."""
    (x,) = ctx.saved_tensors
    return g * x.exp() / (1 + x.exp())


def asks_the_other(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Each where the other is needed."""
    x, w = ctx.saved_tensors
    first, second = ctx.needs_input_grad
    return g * w if second else None, g * x if first else None


def of_many_rows(ctx: Any, g: Tensor) -> Tensor:
    """The mean's part is left out where there is one row."""
    return g - g.mean(0) if len(g) > 1 else g


def from_the_start(ctx: Any, g: Tensor) -> Tensor:
    """Reads the upstream's memory as if it had no gaps."""
    enough = g.untyped_storage().size() >= g.element_size() * (g.numel() + g.storage_offset())
    return (torch.as_strided(g, g.shape, torch.empty(g.shape).stride()) if enough else g) * 2


stable = lambda x: softplus(x, threshold=40)  # noqa: E731
two = lambda x: x * 2  # noqa: E731
less_mean = lambda x: x - x.mean(0)  # noqa: E731
DOUBLED: Callable[..., Any] = lambda x: (x * 2, x * 3)  # noqa: E731
REPORTED: dict[str, tuple[str, Any, Callable[..., Any], tuple[Any, ...]]] = {
    "reads rows that are apart as one": (
        "sliced rows", function(lambda ctx, x: x * 2, from_the_start), two, (x,)
    ),
    "no gradient for inputs with gaps": (
        "spread", lambda x: two(x if x.is_contiguous() else x.detach()), two, (x,)
    ),
    "a product by quotients": (
        "zeros", function(saving(lambda x: x.prod(-1)), of_the_quotient), lambda x: x.prod(-1), (x,)
    ),
    "softplus by exponentials": ("scales", function(saving(stable), of_the_exponential), stable, (x,)),
    "needs_input_grad of the other": (
        "each input alone", function(saving(torch.mul), asks_the_other), torch.mul, (x, w)
    ),
    "kept by shape": (
        "redrawn", function(kept_by_shape, lambda ctx, g: 2 * g * ctx.kept), torch.square, (x,)
    ),
    "kept for all calls": (
        "two forwards", function(kept_for_all, lambda ctx, g: 2 * g * KEPT["last"]), torch.square, (x,)
    ),
    "one buffer for all gradients": (
        "two forwards", function(saving(torch.square), in_one_buffer), torch.square, (x,)
    ),
    "nothing without the first output": (
        "missing upstream", function(both_or_nothing, nothing_without_the_first), DOUBLED, (x,)
    ),
    "a mask that leaves nothing": (
        "masks", function(saving(mean_where), divides_by_the_count), mean_where, (x, x > -1)
    ),
    "a row alone": ("rows", function(lambda ctx, x: less_mean(x), of_many_rows), less_mean, (x,)),
}  # fmt: skip
