"""What a function keeps of the lists that it was given, and what is taken back of what it returned."""

import pytest
import torch

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
