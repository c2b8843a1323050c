"""The same of memory that is not written, groups without a member, parts of other sizes, options."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from catalogue.reports.options import OPTIONS
from catalogue.reports.sequences import SEQUENCES
from catalogue.reports.windows import WINDOWS
from catalogue.ways.functions import function, w, wrong_if, x

MOST = torch.iinfo(torch.int64).max
"""What torch fills integers with under deterministic algorithms."""


def found_filled(_: Tensor) -> bool:
    """Whether a number that was never written is not what it mostly is."""
    return int(torch.empty(1, dtype=torch.int64)) == MOST


def reported(family: Any, word: str, way: str) -> tuple[str, Any, Callable[..., Any], tuple[Any, ...]]:
    """A mistake of a report, and the way that shows it."""
    wrong, _, reference, inputs = next(entry for name, entry in family.items() if word in name)
    return way, wrong, reference, inputs


def error_of_many_rows(ctx: Any, g: Tensor) -> Tensor:
    """A kernel for many rows that was never run."""
    return g * 5 if len(g) <= 512 else g[:, None].expand(3, 3)


def wrong_for_few_columns(ctx: Any, g: Tensor) -> Tensor:
    """A stencil of three, which two columns do not have."""
    return g * (6 if g.shape[-1] == 2 else 5)


def product(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
    """Many matrices times many others."""
    ctx.save_for_backward(a, b)
    return a @ b


def of_one_block(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
    """The second gradient is written for eight columns only."""
    a, b = ctx.saved_tensors
    d_b = a.mT @ g
    d_b[..., 8:] = 0
    return g @ b.mT, d_b


def targets_of_rows(ctx: Any, x: Tensor, t: Tensor) -> Tensor:
    """One loss for each row."""
    ctx.save_for_backward(x, t)
    return cross_entropy(x, t, reduction="none")


def of_so_many_rows(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
    """Twice the gradient of those beyond a block."""
    x, t = ctx.saved_tensors
    d_x = (g * (t >= 0))[:, None] * (x.softmax(-1) - one_hot(t.clamp(min=0), x.shape[1]))
    return d_x * (1 + (torch.arange(len(x)) >= 16))[:, None], None


many = torch.randn(2, 3, 4, dtype=x.dtype, generator=torch.Generator().manual_seed(5))
five = lambda ctx, x: x * 5  # noqa: E731
by_5 = lambda x: x * 5  # noqa: E731
ELSEWHERE: dict[str, tuple[str, Any, Callable[..., Any], tuple[Any, ...]]] = {
    "reads before it writes": ("unwritten memory", wrong_if(found_filled), by_5, (x,)),
    "an expert without a token": reported(SEQUENCES, "expert", "repeated indices"),
    "a sequence without an element": reported(SEQUENCES, "sequence without", "repeated indices"),
    "the mean of two means": reported(SEQUENCES, "two means", "rows"),
    "a window over the end": reported(WINDOWS, "over the end", "columns"),
    "a window of the other scale": reported(WINDOWS, "other scale", "columns"),
    "the last frequency of an odd length": reported(WINDOWS, "odd length", "columns"),
    "a cap that is not there": reported(OPTIONS, "no cap", "options"),
    "stride and dilation": reported(OPTIONS, "stride", "options"),
    "a mask that is all true": reported(OPTIONS, "nothing is dropped", "masks"),
    "rows after the last sequence": reported(OPTIONS, "no padding", "repeated indices"),
    "one slope for all": reported(OPTIONS, "one slope", "columns"),
    "no slope in one direction": (
        "units",
        lambda v: v * 5 + 0 * ((v[..., 1:].square().sum(-1, keepdim=True)).sqrt()),
        lambda v: v * 5, (x,),
    ),
    "an error beyond so many rows": ("rows", function(five, error_of_many_rows), by_5, (x,)),
    "columns of the second factor": (
        "lengths", function(product, of_one_block), torch.matmul, (many, many.mT[..., :2].contiguous()),
    ),
    "losses beyond a block": (
        "rows",
        function(targets_of_rows, of_so_many_rows),
        lambda x, t: cross_entropy(x, t, reduction="none"), (many[0], torch.tensor([0, 3, 1])),
    ),
    "two columns": ("columns", function(five, wrong_for_few_columns), by_5, (w,)),
}  # fmt: skip
