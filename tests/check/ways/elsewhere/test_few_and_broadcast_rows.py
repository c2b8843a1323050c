"""No row, of which a backward has to know, and one row that is taken for many, of which it need not."""

from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function, saving
from torch_reference import check_function

x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Mean(torch.autograd.Function):
    """Of squared differences, each taken to be one of as many as there are inputs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        """Keeps both."""
        ctx.save_for_backward(x, y)
        return of_squares(x, y)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The mean over the inputs."""
        x, y = ctx.saved_tensors
        d_x = 2 * g * (x - y) / max(x.numel(), 1)
        return d_x, -d_x


class Scaled(Mean):
    """Divides by the largest."""

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """Raises an error where there is none."""
        x, y = ctx.saved_tensors
        largest = (x - y).abs().amax()
        d_x = 2 * g * ((x - y) / largest) * (largest / max(x.numel(), 1))
        return d_x, -d_x


def of_squares(x: Tensor, y: Tensor) -> Tensor:
    """Zero where there is none."""
    return (x - y).square().sum() / max((x - y).numel(), 1)


@pytest.mark.medium
def test_what_the_forward_takes_without_a_row_the_backward_has_to_take() -> None:
    """The last part of a batch may be empty; it is a warning, as that is for who calls it."""
    report = check_function(Scaled, of_squares, x, x.cos(), ways=["rows"], order=1)
    assert report.agrees
    assert report.warnings[0].startswith("with no row the backward raises an error")


def test_one_row_that_is_taken_for_many_is_warned_of() -> None:
    """The outputs are right, and torch adds up what comes back for the one row; the mean is another."""
    report = check_function(Mean, of_squares, x[:1, :1], x[:1, :1].cos(), ways=["rows"], order=1)
    assert report.agrees
    told = "with 37 rows of inputs[1] it returns others than the reference: inputs[0], inputs[1]"
    assert report.warnings == (told,)


class FirstOfAll(torch.autograd.Function):
    """A sum whose first gradient is that of one column, where there is one for all."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        """Keeps the shapes."""
        ctx.shapes = x.shape, y.shape
        return x + y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """A slice is no sum."""
        rows, columns = ctx.shapes[0]
        return g[:rows, :columns], g.sum_to_size(ctx.shapes[1])


def test_one_matrix_for_all_is_warned_of_where_shapes_differ_too() -> None:
    """A bias of each sample, which may be one for all: the last sample's gradient is not their sum."""

    class Biased(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, bias: Tensor) -> Tensor:
            ctx.shapes = x.shape, bias.shape
            return of_rows(x, bias)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Any:
            inputs, bias = ctx.shapes
            return g.expand(inputs), g[len(g) - bias[0] :].sum_to_size(bias)

    of_rows = lambda x, bias: x.sum(-1, keepdim=True) + bias  # noqa: E731
    both = torch.stack([x, x.cos()])
    report = check_function(Biased, of_rows, both, both[..., :1], ways=["columns"], order=1)
    assert report.agrees, report
    told = "with one row of inputs[1] for all it returns others than the reference: inputs[1]"
    assert report.warnings == (told,)


def test_a_pairs_gradient_of_another_shape_is_warned_of() -> None:
    """Autograd would sum it, or raise an error; of what is no Function nobody tells."""
    pair = (lambda x, b: (x + b, None)), lambda _, g: (g, g.sum(0))
    report = check_function(pair, torch.add, x, x[0], ways=["dimensions"])
    assert report.agrees
    assert report.warnings == ("with a dimension more it returns others than the reference: inputs[1]",)


@pytest.mark.medium
@pytest.mark.parametrize("factor", [1.0, 1.0j])
def test_one_column_for_all_of_another_input_is_warned_of(factor: complex) -> None:
    """The values are right, and nobody may have meant that call."""
    report = check_function(FirstOfAll, torch.add, factor * x, factor * x.cos(), ways=["columns"], order=1)
    assert report.agrees
    told = "with one row of inputs[0] for all it returns others than the reference: inputs[0]"
    assert report.warnings == (told,)


def test_one_number_for_all_of_a_complex_vector_is_tried() -> None:
    """It is one number, and not a pair."""

    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, gain: Tensor) -> Tensor:
            ctx.save_for_backward(x, gain)
            return x * gain

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Any:
            x, gain = ctx.saved_tensors
            return g * gain.conj(), (g * x.conj()).sum_to_size(gain.shape) * (1 + (len(gain) < x.shape[1]))

    gain = torch.complex(x[0], x[1].cos())
    report = check_function(Scaled, torch.mul, x + 0j, gain, ways=["columns"], order=1, draws=0)
    assert report.note == "with one number for inputs[1]", report


def test_one_number_is_for_all_where_the_reference_makes_the_same_of_copies_of_it() -> None:
    """One of a softmax's is 1, and not a third: nobody calls it with one, and its values are right there."""

    def forward(x: Tensor, w: Tensor) -> tuple[Tensor, Any]:
        return x + torch.log_softmax(w, 0), torch.softmax(w, 0)

    def backward(p: Tensor, g: Tensor) -> Any:
        d_w = g.sum(0)
        return g, (d_w - p * d_w.sum()).sum_to_size(p.shape)

    def reference(x: Tensor, w: Tensor) -> Tensor:
        return forward(x, w)[0]

    report = check_function((forward, backward), reference, x, x[0], ways=["columns"], order=1)
    assert report.agrees, report


def test_one_row_of_an_only_input_is_for_no_others() -> None:
    """That is a call with one row, which the way \"rows\" makes."""
    seen = set[tuple[int, ...]]()

    def total(x: Tensor) -> Tensor:
        seen.add(tuple(x.shape))
        return x.sum()

    assert check_function(total, torch.sum, x, ways=["columns"], order=1)
    assert (1, x.shape[1]) not in seen


def test_a_vector_is_no_row_for_all() -> None:
    """A weight for each row, of which there is one number for each: what is made of one alone nobody asks."""
    weighted = function(
        saving(lambda x, w: x * w[:, None]),
        lambda ctx, above: (
            above * ctx.saved_tensors[1][:, None],
            times(ctx, above)[: len(ctx.saved_tensors[1])],
        ),
    )
    weights = torch.tensor([0.5, 1.5, 2.0, 3.0], dtype=torch.float64)
    report = check_function(weighted, lambda x, w: x * w[:, None], x, weights, ways=["columns"], order=1)
    assert report.agrees, report
    assert not report.warnings


def times(ctx: Any, above: Tensor) -> Tensor:
    return (above * ctx.saved_tensors[0]).sum(1)
