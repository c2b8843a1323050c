"""Of a wrong gradient no line is named that a right one needs as well, nor one that only returns it."""

import pytest
import torch
from torch.nn import functional

from torch_reference import check_function


class SwiGLU(torch.autograd.Function):
    """As kernels write it, with the 1 of silu's derivative forgotten."""

    @staticmethod
    def forward(ctx, gate, up):
        """silu(gate) · up."""
        ctx.save_for_backward(gate, up)
        return gate * torch.sigmoid(gate) * up

    @staticmethod
    def backward(ctx, d_loss_d_y):
        """The sigmoid is right: the gradient of up is made of it."""
        gate, up = ctx.saved_tensors
        s = torch.sigmoid(gate)
        return d_loss_d_y * up * s * gate * (1 - s), d_loss_d_y * gate * s


class GroupNorm(torch.autograd.Function):
    """Its gain reads the statistics of group c % groups, after tenstorrent/tt-metal #56202."""

    @staticmethod
    def forward(ctx, x, gain, groups):
        """Shapes: x is (rows, channels, length)."""
        parts = x.reshape(len(x), groups, -1)
        mean, r = parts.mean(-1), (parts.var(-1, correction=0) + 1e-5).rsqrt()
        ctx.save_for_backward(x, gain, mean, r)
        ctx.groups = groups
        return functional.group_norm(x, groups, gain)

    @staticmethod
    def backward(ctx, d_loss_d_y):
        """Two lines alone are about the gain."""
        x, gain, mean, r = ctx.saved_tensors
        rows, channels, length = x.shape
        groups = ctx.groups
        which = torch.arange(channels) % groups
        m, s = mean[:, which, None], r[:, which, None]
        d_loss_d_gain = (d_loss_d_y * (x - m) * s).sum((0, 2))
        m, s = (each.repeat_interleave(channels // groups, 1)[..., None] for each in (mean, r))
        h = ((x - m) * s).reshape(rows, groups, -1)
        d_h = (d_loss_d_y * gain[:, None]).reshape(h.shape)
        d_x = r[..., None] * (d_h - d_h.mean(-1, keepdim=True) - h * (d_h * h).mean(-1, keepdim=True))
        return d_x.reshape(rows, channels, length), d_loss_d_gain, None


def group_norm(x, gain, groups):
    """In torch's order it would be x, groups, gain."""
    return functional.group_norm(x, groups, gain)


@pytest.mark.medium
def test_a_line_of_which_a_right_gradient_is_made_is_not_named() -> None:
    """Both are returned in one line."""
    gate, up = torch.randn(2, 5, 3, dtype=torch.float64)
    text = str(check_function(SwiGLU, lambda a, b: functional.silu(a) * b, gate, up, ways=[], order=1))
    assert "test_lines_that_others_need.py:24\n" in text
    assert "only it needs" not in text


@pytest.mark.medium
def test_the_lines_that_only_a_wrong_gradient_needs_are_named() -> None:
    """Neither those of the right one, nor what both read, nor the return."""
    x, gain = torch.randn(2, 6, 5, dtype=torch.float64), torch.rand(6, dtype=torch.float64)
    report = check_function(GroupNorm, group_norm, x, gain, 3, ways=[], order=1)
    assert report.line.line == 47
    assert "or on a line that only it needs: 45, 46" in str(report)
