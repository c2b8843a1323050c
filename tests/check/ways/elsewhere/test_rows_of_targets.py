"""More rows of what has one target for each: both go together, or the reference takes none."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function

x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
targets = torch.tensor([0, 2, 1, 4])


def plain(x: Tensor, t: Tensor) -> Tensor:
    """One loss for each row."""
    return functional.cross_entropy(x, t, reduction="none")


class Loss(torch.autograd.Function):
    """A kernel of one block of 16 rows."""

    ignores = True

    @staticmethod
    def forward(ctx: Any, x: Tensor, t: Tensor) -> Tensor:
        """Keeps both."""
        ctx.save_for_backward(x, t)
        return plain(x, t)

    @classmethod
    def backward(cls, ctx: Any, g: Tensor) -> Any:
        """Those beyond the block are counted twice; or those that are ignored, there."""
        x, t = ctx.saved_tensors
        probability = x.softmax(-1) - functional.one_hot(t.clamp(min=0), x.shape[1])
        d_x = (g * (t >= 0))[:, None] * probability
        beyond = torch.arange(len(x)) >= 16
        if cls.ignores:
            return d_x * torch.where(beyond, 2.0, 1.0)[:, None], None
        return d_x + (beyond & (t < 0))[:, None] * probability, None


class OfIgnored(Loss):
    """Wrong of the ignored ones beyond its block alone."""

    ignores = False


def test_targets_have_as_many_rows() -> None:
    """They stayed four, with which the reference took no other number of rows."""
    report = check_function(Loss, plain, x, targets, ways=["rows"], order=1, draws=0)
    assert report.note == "with 37 rows"


def test_targets_are_ignored_beyond_a_block_too() -> None:
    """At the given rows there is none beyond it."""
    assert check_function(OfIgnored, plain, x, targets, ways=["rows"], order=1, draws=0)
    report = check_function(OfIgnored, plain, x, targets, ways=["ignored indices"], order=1, draws=0)
    assert report.note == "with more rows and indices of -100, to be ignored"


def test_a_gain_of_as_many_numbers_stays() -> None:
    """It is one for each column, and the matrix is square."""
    seen = set()

    def scaled(x: Tensor, gain: Tensor) -> Tensor:
        seen.add(len(gain))
        return x.sin() * gain

    square = x[:, :4].clone()
    assert check_function(scaled, scaled, square, square[0].clone(), ways=["rows"], order=1, draws=0)
    assert seen == {4}
