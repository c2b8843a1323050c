"""The same where a number is of another kind: negative, whole, a single zero, counted from the end."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from catalogue.ways.functions import function, saving, w, x


def of_a_quotient_cut_off(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
    """The quotient of a remainder is rounded down, as it is where both are positive."""
    a, b = ctx.saved_tensors
    return g, -g * (a / b).trunc()


def one_at_exponent_zero(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
    """The derivative of 1 is 0."""
    a, b = ctx.saved_tensors
    return g * torch.where(b == 0, 1.0, b * a ** (b - 1)), None


def of_the_quotient(ctx: Any, g: Tensor) -> Tensor:
    """The product of the others where one factor is 0."""
    (a,) = ctx.saved_tensors
    return g * torch.where(a == 0, 0.0, a.prod() / a)


def gathers(ctx: Any, table: Tensor, index: Tensor) -> Tensor:
    """Rows of a table."""
    ctx.save_for_backward(table, index)
    return table[index]


def from_the_beginning(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
    """The last row is not the first one."""
    table, index = ctx.saved_tensors
    return torch.zeros_like(table).index_add(0, index.clamp(min=0), g), None


def sums_up(ctx: Any, x: Tensor, dim: int) -> Tensor:
    """Sums along a dimension."""
    ctx.dim = dim
    return x.cumsum(dim)


def along_the_first(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
    """A dimension may be counted from the end."""
    dim = max(ctx.dim, 0)
    return g.flip(dim).cumsum(dim).flip(dim), None


NUMBERS: dict[str, tuple[str, Any, Callable[..., Any], tuple[Any, ...]]] = {
    "a remainder below zero": (
        "signs",
        function(saving(torch.remainder), of_a_quotient_cut_off), torch.remainder, (3 * w, w.flip(0)),
    ),
    "an exponent of zero": (
        "whole numbers",
        function(saving(torch.pow), one_at_exponent_zero), torch.pow, (w, torch.full((4, 3), 2)),
    ),
    "a product with one zero": ("zeros", function(saving(torch.prod), of_the_quotient), torch.prod, (x,)),
    "rows counted from the end": (
        "negative indices",
        function(gathers, from_the_beginning), lambda x, i: x[i], (x, torch.tensor([0, 2, 1])),
    ),
    "a dimension counted from the end": (
        "options", function(sums_up, along_the_first), torch.cumsum, (x, 1),
    ),
}  # fmt: skip
