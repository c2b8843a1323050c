"""Two inputs that are one tensor, zeros in another layout, an index below 0: each alone shows nothing."""

from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function, saving
from torch_reference import check_function

draws = torch.Generator().manual_seed(0)
x, y, z = (torch.randn(4, 3, generator=draws, dtype=torch.float64) for _ in range(3))


def between(point: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The squared distance of points to lines; of a line that is a point, to that."""
    along = end - start
    size = along.square().sum(-1, keepdim=True)
    part = ((point - start) * along).sum(-1, keepdim=True) / size.where(size > 0, torch.ones_like(size))
    return (start + part * along - point).square().sum(-1)


def without_length(ctx: Any, above: Tensor) -> tuple[Tensor, ...]:
    point, start, end = ctx.saved_tensors
    along = end - start
    part = ((point - start) * along).sum(-1, keepdim=True) / along.square().sum(-1, keepdim=True)
    apart = 2 * above.unsqueeze(-1) * (start + part * along - point)
    return -apart, apart * (1 - part), apart * part


def test_the_second_and_the_third_input_may_be_one_tensor_too() -> None:
    """The first two may well be one; and that it is NaN is said."""
    own = function(saving(between), without_length)
    report = check_function(own, between, x, y, z, ways=["one tensor twice"], order=1)
    told = "with one tensor for inputs[1] and inputs[2] it returns nan where the reference has a number"
    assert report.warnings == (f"{told}: inputs[1]",)


@pytest.mark.parametrize(("way", "layout"), [("zeros", "transposed"), ("scales", "sliced rows")])
def test_what_takes_another_path_in_a_layout_is_tried_elsewhere_there(way: str, layout: str) -> None:
    """A path for what is not contiguous, that divides by its inputs, or by what is too small."""

    def cube(x: Tensor) -> Tensor:
        return x**3

    def of_cube(ctx: Any, above: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        if x.is_contiguous():
            return 3 * x**2 * above
        return 3 * x**3 / x * above if way == "zeros" else 3 * x**3 / (x + 1e-9) * above

    own = function(saving(cube), of_cube)
    assert check_function(own, cube, x, ways=[layout], order=1, rtol=1e-6)
    report = check_function(own, cube, x, ways=[way], order=1, rtol=1e-6)
    assert dict(report.ways)[way] != "agrees"
    assert "non-contiguous" in str(report) or "transposed" in str(report) or "row-sliced" in str(report)


def test_an_index_from_the_end_is_told_once() -> None:
    """In its own way, and not among whole numbers besides."""

    def looked_up(table: Tensor, index: Tensor) -> Tensor:
        return table[index]

    def added(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        table, index = ctx.saved_tensors
        return torch.zeros_like(table).index_add_(0, index, above), None

    own, index = function(saving(looked_up), added), torch.tensor([0, 2, 2, 3])
    report = check_function(own, looked_up, x, index, order=1)
    assert len(report.warnings) == 1
    assert report.warnings[0].startswith("with negative indices in inputs[1] the backward raises an error")
