"""An edit that makes a gradient right for the sizes at hand only is none that makes it right."""

import pytest
import torch

from torch_reference import check_function


class Softmax(torch.autograd.Function):
    """Of several heads; the sum of each row is taken over all rows."""

    @staticmethod
    def forward(ctx, scores):
        """Shapes: scores are (heads, rows, columns)."""
        p = scores.softmax(-1)
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx, d_p):
        """Of one head dimension -3 is as good as none."""
        (p,) = ctx.saved_tensors
        return p * (d_p - (p * d_p).sum((-2, -1), keepdim=True))


def decayed(x):
    """Shapes: x is (rows, steps)."""
    y, found = torch.zeros_like(x[:, 0]), []
    for step in range(x.shape[1]):
        y = y / 2 + x[:, step]
        found.append(y)
    return torch.stack(found, 1)


class Decayed(torch.autograd.Function):
    """In blocks of four, over which the carry does not decay, after proger/accelerated-scan #15."""

    @staticmethod
    def forward(ctx, x):
        """Shapes: x is (rows, steps)."""
        return decayed(x)

    @staticmethod
    def backward(ctx, d_y):
        """One block is as long as all steps where it has eight."""
        steps, block = d_y.shape[1], 4
        d_x, carry = torch.zeros_like(d_y), torch.zeros_like(d_y[:, :1])
        for start in reversed(range(0, steps, block)):
            rest = decayed(d_y[:, start : start + block].flip(-1)).flip(-1)
            d_x[:, start : start + block] = rest + carry
            carry = d_x[:, start : start + 1] / 2
        return d_x


@pytest.mark.medium
def test_an_edit_for_one_head_is_not_shown_where_one_for_all_is() -> None:
    """With `(-3, -1)` for `(-2, -1)` it was right of one head, and was called right."""
    scores = torch.randn(1, 5, 4, dtype=torch.float64)
    report = check_function(Softmax, lambda scores: scores.softmax(-1), scores, ways=[], order=1)
    assert "+        return p * (d_p - (p * d_p).sum(-1, keepdim=True))" in report.fix


@pytest.mark.slow
def test_no_block_of_all_steps_is_shown() -> None:
    """With an 8 for the 4 it is right of six steps, and of seven."""
    report = check_function(Decayed, decayed, torch.randn(3, 6).double(), ways=[], order=1)
    assert "d_y.shape[1], 8" not in report.fix
