"""Tensors whose memory was given back: a storage can be resized under them, and to read it is the end."""

from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import Verdict, check_function

x = torch.tensor([0.5, -1.0, 2.0])
QUICK: dict[str, Any] = {"ways": [], "order": 1, "draws": 0}


def test_memory_that_was_given_back_is_not_read() -> None:
    """To read it would end the process: a storage can be resized under its tensors."""

    def backward(x: Tensor, d_loss_d_y: Tensor) -> Tensor:
        found = 2 * x * d_loss_d_y
        x.untyped_storage().resize_(0)
        return found

    def gone(x: Tensor) -> Tensor:
        made = x * x
        made.untyped_storage().resize_(0)
        return made

    assert "changed its input" in str(check_function((lambda x: (x * x, x), backward), None, x, **QUICK))
    assert "storage was resized" in str(check_function(gone, torch.square, x, **QUICK))


def freeing(x: Tensor) -> Tensor:
    """The sine of what is given, whose memory is given back: autograd's own backward reads it."""
    made = torch.sin(x)
    x.untyped_storage().resize_(0)
    return made


@pytest.mark.parametrize(
    "function",
    [freeing, (lambda x: (freeing(x), [{"x": x}]), lambda saved, above: above)],
)
def test_memory_that_the_forward_gave_back_is_not_read_behind_it(function: Any) -> None:
    """By autograd, or by a pair's backward."""
    report = check_function(function, torch.sin, x, **QUICK)
    assert not report.agrees
    assert report.findings[0].row.verdict is Verdict.RAISED


@pytest.mark.parametrize("function", [torch.sin, freeing])
def test_a_reference_that_gives_its_inputs_memory_back_proves_nothing(function: Any) -> None:
    """It is the reference of which an error is told."""
    for reference in (freeing, None) if function is freeing else (freeing,):
        report = check_function(function, reference, x, **QUICK)
        assert not report.agrees
        assert report.findings[0].name == "reference"


def written_into(x: Tensor) -> Tensor:
    """What it saves is written into, which its backward would say, and its input's memory is given back."""
    half = x * 0.5
    made = half.exp()
    with torch.no_grad():
        made.add_(1)
    x.untyped_storage().resize_(0)
    return made


def test_what_cannot_be_looked_at_is_left_to_the_backward() -> None:
    """Which raises an error: it is the function's, and none of the check."""
    report = check_function(written_into, lambda x: (x * 0.5).exp() + 1, x, **QUICK)
    assert [each.name for each in report.findings if each.row.verdict is Verdict.RAISED] == ["backward"]


def test_what_a_pair_saves_may_hold_itself() -> None:
    """It is not searched where nothing was given back."""

    def forward(x: Tensor) -> tuple[Tensor, Any]:
        saved: list[Any] = [x]
        saved.append(saved)
        return torch.sin(x), saved

    assert check_function((forward, lambda saved, above: above * saved[0].cos()), torch.sin, x, **QUICK)
