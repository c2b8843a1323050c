"""What is one number long: a window's depth, which may be longer, and a row that is for all of others."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d
from torch.nn.grad import conv2d_input, conv2d_weight

from autograd_functions import function, saving
from torch_reference import check_function

draws = torch.Generator().manual_seed(0)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=draws, dtype=torch.float64)


def height_forgotten(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of all rows of a window goes to the row where it begins."""
    x, weight = ctx.saved_tensors
    rows = [conv_transpose2d(above, weight[:, :, row : row + 1]) for row in range(weight.shape[2])]
    missing = x.new_zeros(*x.shape[:2], x.shape[2] - above.shape[2], x.shape[3])
    return torch.cat([sum(rows), missing], 2), conv2d_weight(x, weight.shape, above)


def in_its_row(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    x, weight = ctx.saved_tensors
    return conv2d_input(x.shape, weight, above), conv2d_weight(x, weight.shape, above)


@pytest.mark.medium
def test_a_window_of_one_row_is_made_higher() -> None:
    """Of what its backward forgets then a report warns: one may have been meant for all."""
    inputs = drawn(2, 3, 5, 5), drawn(4, 3, 1, 2)
    both = (function(saving(conv2d), each) for each in (height_forgotten, in_its_row))
    wrong, right = (check_function(each, conv2d, *inputs, ways=["lengths"], order=1) for each in both)
    told = "in inputs[1] (dimension 2) it returns others than the reference: inputs[0]"
    assert any(told in warning for warning in wrong.warnings)
    assert right.agrees
    assert not right.warnings


def residual(x: Tensor, weight: Tensor) -> Tensor:
    return x + conv2d(x, weight)


def of_residual(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
    x, weight = ctx.saved_tensors
    return above + conv_transpose2d(above, weight), conv2d_weight(x, weight.shape, above)


@pytest.mark.medium
def test_a_channel_that_is_added_to_all_others_is_none_of_its_sizes() -> None:
    """A residual has as many channels as it adds to: autograd sums what it returns."""
    inputs = drawn(2, 3, 4, 4), drawn(3, 3, 1, 1)
    of_its_own = function(saving(residual), of_residual)
    report = check_function(of_its_own, residual, *inputs, ways=["columns"], order=1)
    assert report.agrees, report
    assert report.warnings == ("with one column it returns others than the reference: inputs[0]",)


@pytest.mark.parametrize("size", [1, 2])
def test_one_column_of_a_function_of_any_size_is_judged(size: int) -> None:
    def wrong_at(ctx: Any, above: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return above * x.cos() * (2 if x.shape[1] == size else 1)

    report = check_function(
        function(saving(torch.sin), wrong_at), torch.sin, drawn(4, 3), ways=["columns"], order=1
    )
    assert dict(report.ways) == {"columns": "fails"}
