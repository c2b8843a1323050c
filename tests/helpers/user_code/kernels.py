"""Functions with a backward that is wrong in one way each; a counterexample's script imports them by name."""

from typing import Any

import torch
from torch import Tensor


def product(x: Tensor, w: Tensor) -> Tensor:
    """The product of two tensors."""
    return x * w


def forward(x: Tensor, w: Tensor) -> tuple[Tensor, Any]:
    """The same, and what its backward reads."""
    return x * w, (x, w)


def right(saved: Any, d_loss_d_product: Tensor) -> tuple[Tensor, Tensor]:
    """The right backward of the product."""
    x, w = saved
    return d_loss_d_product * w, d_loss_d_product * x


def wrong(saved: Any, d_loss_d_product: Tensor) -> tuple[Tensor, Tensor]:
    """The sign of the second gradient is wrong where x is positive."""
    x, w = saved
    return d_loss_d_product * w, d_loss_d_product * torch.where(x > 0, -x, x)


def leaves_out_w(saved: Any, d_loss_d_product: Tensor) -> tuple[Tensor, None]:
    """No gradient for w, which is right where none is asked for; that of x has a wrong sign."""
    return -d_loss_d_product * saved[1], None


class Gather(torch.autograd.Function):
    """Rows of a table times a scalar, and their sum: two outputs, an index, a zero-dimensional input."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Two outputs."""
        ctx.save_for_backward(table, index, scale)
        rows = table[index] * scale
        return rows, rows.sum()

    @staticmethod
    def backward(ctx: Any, d_loss_d_rows: Tensor, d_loss_d_sum: Tensor) -> tuple[Tensor | None, ...]:
        """A row that the index names twice is overwritten, not accumulated."""
        table, index, scale = ctx.saved_tensors
        d_loss_d_each = d_loss_d_rows + d_loss_d_sum
        d_loss_d_table = torch.zeros_like(table)
        d_loss_d_table[index] = d_loss_d_each * scale
        return d_loss_d_table, None, (d_loss_d_each * table[index]).sum()


def gather(table: Tensor, index: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """The same in plain torch."""
    rows = table[index] * scale
    return rows, rows.sum()


class ContiguousOnly(torch.autograd.Function):
    """Twice x; the backward reads the upstream's memory as if it were contiguous, as many a kernel does."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Elementwise."""
        return 2 * x

    @staticmethod
    def backward(ctx: Any, d_loss_d_output: Tensor) -> Tensor:
        """Wrong for any other strides."""
        whole = d_loss_d_output.untyped_storage().size() >= d_loss_d_output.nbytes
        memory = d_loss_d_output.as_strided((d_loss_d_output.numel(),), (1,)) if whole else d_loss_d_output
        return 2 * memory.reshape(d_loss_d_output.shape)


def twice(x: Tensor) -> Tensor:
    """The same in plain torch."""
    return x * 2


class Rows:
    """A namespace: names with a dot can be imported, too."""

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Any]:
        """The softmax of each row."""
        return torch.softmax(x, -1), x

    @staticmethod
    def backward(x: Tensor, d_loss_d_output: Tensor) -> Tensor:
        """Reads x as if its rows stood one after another, whatever its strides."""
        rows = x.as_strided(x.shape, torch.empty(x.shape).stride())
        p = torch.softmax(rows, -1)
        return p * (d_loss_d_output - (d_loss_d_output * p).sum(-1, keepdim=True))


def softmax(x: Tensor) -> Tensor:
    """The same in plain torch."""
    return torch.softmax(x, -1)


def total(x: Tensor) -> tuple[Tensor, Any]:
    """The sum of everything."""
    return x.sum(), x.shape


def backward_of_nothing(shape: torch.Size, d_loss_d_total: Tensor) -> Tensor:
    """Of a wrong shape where there is nothing to sum."""
    return d_loss_d_total.expand(shape).clone() if shape.numel() else d_loss_d_total.new_zeros(0)


def windows(x: Tensor, w: Tensor) -> Tensor:
    """Every window of x times w: fewer weights make more of them, and a single one has no dimension."""
    return (x.unfold(0, len(w), 1) @ w).squeeze()


def forward_windows(x: Tensor, w: Tensor) -> tuple[Tensor, Any]:
    """The same, and what its backward reads."""
    return windows(x, w), (x, w)


def backward_windows(saved: Any, d_loss_d_output: Tensor) -> tuple[None, Tensor]:
    """The sign is wrong; there is no gradient of x."""
    x, w = saved
    return None, -(x.unfold(0, len(w), 1).T @ d_loss_d_output.reshape(-1))
