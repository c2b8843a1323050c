"""What a function keeps of lists and in modules, and what is taken back of what it returned."""

import pytest
import torch
from torch import nn

from functions_with_backward import Scale, index, scale, w, x
from torch_reference import check_function
from torch_reference.check.ways import order


class Sliced(torch.autograd.Function):
    """What begins at a row that a list says, which is kept and not copied."""

    @staticmethod
    def forward(ctx, x, places):
        ctx.start, ctx.shape = places["start"], x.shape
        return x[ctx.start[0] :] * 2

    @staticmethod
    def backward(ctx, d_loss_d_y):
        d_loss_d_x = d_loss_d_y.new_zeros(ctx.shape)
        d_loss_d_x.narrow(0, ctx.start[0], len(d_loss_d_y)).copy_(2 * d_loss_d_y)
        return d_loss_d_x, None


def test_an_error_of_changed_lists_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the list stands, and whatever else is in it; nobody looks for one where there is none."""
    places = {"start": [1, "rows"]}
    options = {"ways": ["changed afterwards"], "order": 1}
    report = check_function(Sliced, lambda x, places: x[1:] * 2, x, places, **options)
    assert report.agrees, report
    (warning,) = report.warnings
    assert "lists are changed before the backward the backward raises an error" in warning
    monkeypatch.setattr(order, "_with_other_lists", lambda *_: pytest.fail("there is none"))
    assert check_function(Scale, scale, x, w, index, **options)


def test_what_can_be_read_no_longer_is_judged_as_it_was() -> None:
    """A CUDA graph that runs again takes back what it returned before."""

    class Taken:
        def clone(self):
            raise RuntimeError("overwritten by a subsequent run")

    kept = [None, torch.ones(2)]
    assert order._unless_taken_back([None, Taken()], kept) is kept
    assert order._unless_taken_back(kept, [None, torch.zeros(2)]) is kept


def test_under_torch_func_it_would_end_the_process() -> None:
    """What sets .data, as a cast does, leaves in a module what a transform made; to read it is to end."""
    linear = nn.Linear(3, 4)

    def cast(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(linear.to(x.dtype)(x))

    def plain(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x @ linear.weight.T + linear.bias)

    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    linear.double()
    report = check_function(cast, plain, x, ways=["torch.func", "spread"], order=1)
    assert report
    assert dict(report.ways) == {"torch.func": "cannot apply", "spread": "agrees"}
    assert dict(check_function(plain, plain, x, ways=["torch.func"], order=1).ways) == {
        "torch.func": "agrees"
    }
