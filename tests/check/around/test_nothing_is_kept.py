"""What a check made is given back as soon as it ends, and what it need not know is not evaluated."""

import gc

import pytest
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from autograd_functions import function
from torch_reference import check_function
from torch_reference.tolerance import movement

ROWS, COLUMNS = 37, 41


def forward(ctx, x: Tensor, gain: Tensor) -> Tensor:
    """A layer norm."""
    scale = torch.rsqrt(x.var(-1, correction=0, keepdim=True) + 1e-5)
    normal = (x - x.mean(-1, keepdim=True)) * scale
    ctx.save_for_backward(normal, scale, gain)
    return normal * gain


def backward(ctx, d_y: Tensor) -> tuple[Tensor, Tensor]:
    """By hand."""
    normal, scale, gain = ctx.saved_tensors
    d_n = d_y * gain
    d_n = d_n - d_n.mean(-1, keepdim=True) - normal * (d_n * normal).mean(-1, keepdim=True)
    return d_n * scale, (d_y * normal).sum(0)


def reference(x: Tensor, gain: Tensor) -> Tensor:
    """By torch; a gain of another size than the rows have raises an error, in some ways of calling."""
    return layer_norm(x, x.shape[-1:], gain)


def given(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Numbers of chance."""
    draws = torch.Generator().manual_seed(0)
    return torch.randn(rows, columns, generator=draws), torch.randn(columns, generator=draws)


def large_tensors() -> list[Tensor]:
    """All that there are of that size in this process."""
    return [each for each in gc.get_objects() if type(each) is Tensor and each.numel() >= ROWS * COLUMNS]


@pytest.mark.medium
def test_no_tensor_of_a_check_outlives_it() -> None:
    """Not until Python next looks for what keeps itself: at real sizes that is the peak of memory."""
    x, gain = given(ROWS, COLUMNS)
    # The pools of numbers by which results move are kept from check to check.
    assert check_function(function(forward, backward), reference, *given(ROWS - 2, COLUMNS), order=1)
    gc.collect()
    gc.disable()
    try:
        others = {id(each) for each in large_tensors()}  # of other tests
        assert check_function(function(forward, backward), reference, x, gain, order=1)
        assert [each.shape for each in large_tensors() if id(each) not in others] == []
    finally:
        gc.enable()


def test_a_large_point_is_evaluated_in_parts_alone(monkeypatch) -> None:
    """As a whole, in float64, it would be the peak of memory, and a pass more."""
    largest = []
    original = movement.Movement.__init__

    def counted(self, reference, inputs, *args, **kwargs) -> None:
        largest.append(max(value.numel() for value in inputs.values()))
        original(self, reference, inputs, *args, **kwargs)

    monkeypatch.setattr(movement.Movement, "__init__", counted)
    x, gain = given(512, 256)
    assert check_function(function(forward, backward), reference, x, gain, order=1, ways=[])
    assert max(largest) < x.numel()
