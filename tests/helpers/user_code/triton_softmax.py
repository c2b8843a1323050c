"""Softmax as a Triton kernel, and with a backward that reads beyond the end of the row."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd import Function

BLOCK = 64


@triton.jit
def softmax_forward(x_ptr, y_ptr, columns, block: tl.constexpr):
    row, place = tl.program_id(0), tl.arange(0, block)
    mask = place < columns
    x = tl.load(x_ptr + row * columns + place, mask=mask, other=-float("inf")).to(tl.float32)
    exp = tl.exp(x - tl.max(x, 0))
    tl.store(y_ptr + row * columns + place, exp / tl.sum(exp, 0), mask=mask)


@triton.jit
def softmax_backward(y_ptr, dy_ptr, dx_ptr, columns, end, block: tl.constexpr):
    row, place = tl.program_id(0), tl.arange(0, block)
    mask = place < end
    y = tl.load(y_ptr + row * columns + place, mask=mask, other=0.0).to(tl.float32)
    dy = tl.load(dy_ptr + row * columns + place, mask=mask, other=0.0).to(tl.float32)
    dx = y * (dy - tl.sum(y * dy, 0))
    tl.store(dx_ptr + row * columns + place, dx, mask=place < columns)


class Softmax(Function):
    """Over the last dimension, one row in a block; a kernel reads memory as it is, without a view's sign."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.resolve_neg().contiguous()
        y = torch.empty_like(x)
        rows = x.numel() // x.shape[-1] if x.numel() else 0
        if rows:
            softmax_forward[(rows,)](x, y, x.shape[-1], block=BLOCK)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:  # type: ignore[override]
        return launch(ctx.saved_tensors[0], dy, 0)


class UnmaskedSoftmax(Softmax):
    """The sum leaves out the row's last four elements."""

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:  # type: ignore[override]
        return launch(ctx.saved_tensors[0], dy, 4)


def launch(y: Tensor, dy: Tensor, forgotten: int) -> Tensor:
    """The backward's kernel over every row."""
    dx = torch.empty_like(y)
    rows, columns = (y.numel() // y.shape[-1] if y.numel() else 0), y.shape[-1]
    if rows:
        softmax_backward[(rows,)](
            y, dy.resolve_neg().contiguous(), dx, columns, columns - forgotten, block=BLOCK
        )
    return dx
