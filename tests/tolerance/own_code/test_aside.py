"""What is off a little way from all kinks, too, is no choice of their sides."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

gain = torch.zeros(6)
images = torch.relu(torch.randn(4, 6, 1500, generator=torch.Generator().manual_seed(0)))


def branch(gain: Tensor, images: Tensor) -> Tensor:
    """One that begins as nothing beside what went through a ReLU: half of what the last is given is 0."""
    return torch.relu(images + gain[:, None] * torch.tanh(images.roll(1, 1) - 0.5))


def with_slope(slope: float, factor: float = 1.0) -> Callable[..., Tensor]:
    """The branch with another slope at 0 and a gradient times a factor."""

    class Branch(torch.autograd.Function):
        @staticmethod
        def forward(ctx, gain, images):
            ctx.save_for_backward(gain, images)
            return branch(gain, images)

        @staticmethod
        def backward(ctx, above):
            gain, images = ctx.saved_tensors
            hidden = torch.tanh(images.roll(1, 1) - 0.5)
            total = images + gain[:, None] * hidden
            above = above * torch.where(total == 0, slope, (total > 0).to(total.dtype))
            return factor * (above * hidden).sum((0, 2)), None

    return Branch.apply


@pytest.mark.medium
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_a_factor_is_wrong_in_every_element_whatever_lies_between_the_sides(slope: float) -> None:
    """Which of the sides the code takes is free; that it is off by a tenth beside them is not."""
    found = check_function(with_slope(slope, 1.1), branch, gain, images, wrt=[0], ways=[], order=1, draws=0)
    [finding] = [each for each in found.findings if not each.agrees]
    assert finding.row.verdict.value == "differs"
    assert slope or finding.row.wrong_elements == 6, found


@pytest.mark.medium
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_another_slope_at_all_kinks_is_right(slope: float) -> None:
    """Beside them it is the same as any."""
    assert check_function(with_slope(slope), branch, gain, images, wrt=[0], ways=[], order=1, draws=0)
