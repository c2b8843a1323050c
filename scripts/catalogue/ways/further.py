"""More of them: threads, gradients that are there already, sizes beyond the given ones, raw memory."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize, one_hot

from catalogue.ways.functions import function, saving, w, wrong_for_inputs, wrong_if, x
from catalogue.ways.newer import MeanOfTheBatchToo, WithTheOtherSign

volumes = torch.randn(2, 3, 2, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
z = torch.complex(x, w)
INDEX, TARGETS = torch.tensor([0, 2, 1]), torch.tensor([0, 2, 1, 2])
SCRATCH: dict[str, Tensor] = {}


def adds_itself(ctx: Any, g: Tensor) -> Tensor:
    """Adds to the gradient that is there, as a fused accumulation does, and hands on the sum as well."""
    (x,) = ctx.saved_tensors
    return g * 5 if x.grad is None else g * 5 + x.grad


def clears(ctx: Any, g: Tensor) -> Tensor:
    """Clears the gradient that is there."""
    (x,) = ctx.saved_tensors
    if x.grad is not None:
        x.grad.zero_()
    return g * 5


def through_scratch(ctx: Any, x: Tensor) -> Tensor:
    """Works in memory that all calls share."""
    SCRATCH["x"] = x.detach() * 5
    time.sleep(1e-3)  # as long as a kernel takes
    return SCRATCH["x"].clone()


def slope_in_scratch(ctx: Any, g: Tensor) -> Tensor:
    """So does its backward."""
    SCRATCH["g"] = g * 5
    time.sleep(1e-3)
    return SCRATCH["g"].clone()


def by_address(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of x - w, kept by where the inputs are."""
    x, w = ctx.saved_tensors
    kept = {x.data_ptr(): g, w.data_ptr(): -g}
    return kept[x.data_ptr()], kept[w.data_ptr()]


def adds_up(ctx: Any, g: Tensor) -> Tensor:
    """Into memory that is cleared in the forward alone."""
    ctx.total += g * ctx.slope
    return ctx.total.clone()


def clears_the_sum(ctx: Any, x: Tensor) -> Tensor:
    """Which it does here."""
    ctx.slope, ctx.total = x.cos(), torch.zeros_like(x)
    return x.sin()


def raw(g: Tensor) -> Tensor:
    """The numbers as they are in memory, without the sign that a view gives them."""
    return torch.empty(0, dtype=g.dtype).set_(
        g.untyped_storage(), g.storage_offset(), g.shape, g.stride()
    )  # fmt: skip


def quickly(x: Tensor) -> Tensor:
    """With fewer digits where nothing is differentiated."""
    return x * 5 if torch.is_grad_enabled() else (x.float() * 5).double()


def counts_each(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
    """Divided by how often an index occurs."""
    table, index = ctx.saved_tensors
    count = torch.bincount(index, minlength=len(table)).to(g.dtype)
    return torch.zeros_like(table).index_add(0, index, g / count[index, None]), None


def of_all_targets(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
    """Also of those that are to be ignored."""
    x, targets = ctx.saved_tensors
    return g * (x.softmax(-1) - one_hot(targets.clamp(min=0), x.shape[-1])), None


def of_the_length(ctx: Any, g: Tensor) -> Tensor:
    """Divided by a length that may be zero."""
    (x,) = ctx.saved_tensors
    length = x.norm(dim=-1, keepdim=True)
    return (g - x * (g * x).sum(-1, keepdim=True) / length**2) / length


def but(part: slice, dim: int) -> Callable[[Any, Tensor], Tensor]:
    """Without what stands beyond a block."""

    def backward(ctx: Any, g: Tensor) -> Tensor:
        d = g * 5
        d.transpose(0, dim)[part] = 0
        return d

    return backward


def scans(ctx: Any, g: Tensor) -> Tensor:
    """From behind, by steps of which one column has none."""
    return g.flip(-1).cumsum(-1).flip(-1) * (g.shape[-1] > 1)


def of_whole_blocks(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
    """The product's gradient by blocks of 16; what is left over is forgotten where there is a block."""
    a, b = ctx.saved_tensors
    end = len(b) // 16 * 16 or len(b)
    d = g @ b.mT
    d[:, end:] = 0
    return d, a.mT @ g


by_5 = lambda x: x * 5  # noqa: E731
total = lambda x, t: cross_entropy(x, t, reduction="sum")  # noqa: E731
unit = lambda x: normalize(x, dim=-1)  # noqa: E731
five = lambda ctx, x: x * 5  # noqa: E731
FURTHER: dict[str, tuple[str, Any, Callable[..., Any], tuple[Any, ...]]] = {
    "adds to the gradient that is there": ("accumulated", function(saving(by_5), adds_itself), by_5, (x,)),
    "clears the gradient that is there": ("accumulated", function(saving(by_5), clears), by_5, (x,)),
    "forwards otherwise where a gradient is there": (
        "accumulated", lambda x: by_5(x.detach() if x.is_leaf and x.grad is not None else x), by_5, (x,)
    ),
    "memory that two calls share": ("two threads", function(through_scratch, slope_in_scratch), by_5, (x,)),
    "gradients by address": ("one tensor twice", function(saving(torch.sub), by_address), torch.sub, (x, w)),
    "a sum that is not cleared": ("backward twice", function(clears_the_sum, adds_up), torch.sin, (x,)),
    "a sign that is not in memory": (
        "negative views", function(five, lambda ctx, g: raw(g) * 5), by_5, (x,)
    ),
    "a conjugated upstream": ("conjugate views", wrong_if(lambda g: g.is_conj()), by_5, (z,)),
    "volumes by channel": (
        "channels last",
        wrong_for_inputs(lambda v: v.is_contiguous(memory_format=torch.channels_last_3d)), by_5, (volumes,),
    ),
    "its direction and its length": (
        "zero upstream", function(five, lambda ctx, g: g / g.norm() * (5 * g.norm())), by_5, (x,)
    ),
    "fewer digits in evaluation": ("without grad", quickly, by_5, (x,)),
    "a mean of the batch too": ("vmap", MeanOfTheBatchToo, lambda x: x - x.mean(), (x,)),
    "a tangent of the other sign": ("jvp", WithTheOtherSign, by_5, (x,)),
    "an index that counts once": (
        "repeated indices",
        function(saving(lambda t, i: t[i]), counts_each), lambda t, i: t[i], (x, INDEX),
    ),
    "the sum of ignored targets": (
        "ignored indices", function(saving(total), of_all_targets), total, (x, TARGETS)
    ),
    "a row of no length": ("zero rows", function(saving(unit), of_the_length), unit, (x,)),
    "rows beyond a block": ("rows", function(five, but(slice(128, None), 0)), by_5, (x,)),
    "columns beyond a block": ("columns", function(five, but(slice(1024, None), 1)), by_5, (x,)),
    "a scan of one column": (
        "columns", function(lambda ctx, x: x.cumsum(-1), scans), lambda x: x.cumsum(-1), (x,)
    ),
    "what is left over of blocks": (
        "columns", function(saving(torch.matmul), of_whole_blocks), torch.matmul, (x, x.mT.contiguous())
    ),
}  # fmt: skip
