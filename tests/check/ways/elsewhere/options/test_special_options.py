"""A padding index of another sign, a tensor that is None by default, a custom operation's defaults."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function
from torch_reference import check_function

draws = torch.Generator().manual_seed(0)
x, gain = (torch.randn(4, 3, generator=draws, dtype=torch.float64) for _ in range(2))


class Embedding(torch.autograd.Function):
    """Rows of a table, as kernels have them: one row's gradient is none, by its number."""

    @staticmethod
    def forward(ctx: Any, indices: Tensor, table: Tensor, padding_index: int) -> Tensor:
        """Rows of the table."""
        ctx.save_for_backward(indices, table)
        ctx.padding_index = padding_index
        return table[indices]

    @staticmethod
    def backward(ctx: Any, d_rows: Tensor) -> tuple[None, Tensor, None]:  # type: ignore[override]
        """What is looked up adds up, but for the padding."""
        indices, table = ctx.saved_tensors
        kept = d_rows * (indices != ctx.padding_index)[:, None]
        return None, torch.zeros_like(table).index_add(0, indices, kept), None


@pytest.mark.medium
@pytest.mark.parametrize("padding_index", [0, 3])
def test_a_negative_number_in_place_of_another_is_not_meant_by_all(padding_index: int) -> None:
    """torch counts a padding index of -2 from the end; a kernel never meets it, and need not."""
    indices, table = torch.tensor([4, 3, 0, 2, 4]), torch.randn(5, 3, dtype=torch.float64)
    report = check_function(
        Embedding, torch.nn.functional.embedding, indices, table, padding_index, ways=["options"], order=1
    )
    assert report.agrees, report


def plain(x: Tensor, gain: Tensor | None = None) -> Tensor:
    """The reference."""
    return x.sin() if gain is None else x.sin() * gain


def scaled(without: float) -> type[torch.autograd.Function]:
    """A Function whose backward has a factor of its own where there is no gain."""

    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, gain: Tensor | None = None) -> Tensor:
            ctx.save_for_backward(x, gain)
            return plain(x, gain)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor | None]:
            x, gain = ctx.saved_tensors
            if gain is None:
                return without * g * x.cos(), None
            return g * gain * x.cos(), g * x.sin()

    return Scaled


@pytest.mark.medium
def test_a_gain_is_left_out_where_it_is_none_by_default() -> None:
    """The wrong factor shows there alone; a right one, and a gain that has to be given, are not refused."""
    for factor, status in ((2.0, "fails"), (1.0, "agrees")):
        report = check_function(scaled(factor), plain, x, gain, ways=["options"], order=1)
        assert dict(report.ways) == {"options": status}, report
    assert report.note == ""
    wrong = check_function(scaled(2.0), plain, x, gain, ways=["options"], order=1, draws=0)
    assert wrong.note == "with None for inputs[1]"
    wrong = check_function(scaled(2.0), plain, x, gain=gain, ways=["options"], order=1, draws=0)
    assert wrong.note == "with None for inputs['gain']"
    needed = check_function(scaled(2.0), lambda x, gain: x.sin() * gain, x, gain, ways=["options"], order=1)
    assert needed.agrees, needed


def test_nothing_is_left_out_that_has_to_be_given_or_is_all_that_is_asked_for() -> None:
    """Nor is that said to be refused; what makes other values without it is."""

    class Needed(scaled(1.0)):
        @staticmethod
        def forward(ctx: Any, x: Tensor, gain: Tensor) -> Tensor:
            ctx.save_for_backward(x, gain)
            return plain(x, gain)

    class Other(scaled(2.0)):
        @staticmethod
        def forward(ctx: Any, x: Tensor, gain: Tensor | None = None) -> Tensor:
            ctx.save_for_backward(x, gain)
            return plain(x, 3 * torch.ones(()) if gain is None else gain)

    options = {"ways": ["options"], "order": 1}
    for each, status in ((Needed, "cannot apply"), (Other, "refused")):
        assert dict(check_function(each, plain, x, gain, **options).ways) == {"options": status}
    alone = lambda x=None: torch.ones(2) if x is None else x.sin()  # noqa: E731
    assert dict(check_function(alone, alone, x, **options).ways) == {"options": "cannot apply"}


@torch.library.custom_op("left_out::times", mutates_args=())
def times(x: Tensor, factor: float = 2.0) -> Tensor:
    """A factor that its backward has not heard of."""
    return x * factor


times.register_autograd(lambda ctx, g: (2 * g, None))


@pytest.mark.medium
def test_what_a_custom_operation_has_by_default_is_another_in_a_training() -> None:
    """Its signature is that of the function that it was made of."""
    report = check_function(times, lambda x, factor=2.0: x * factor, x, ways=["options"], order=1, draws=0)
    assert dict(report.ways) == {"options": "fails"}, report
    assert report.note == "with inputs['factor'] = 1.0 in place of 2.0"


@pytest.mark.parametrize("reference", [lambda x, anew: x.sin(), lambda x: x.sin()], ids=["has it", "has not"])
def test_of_a_flag_that_the_reference_does_not_read_a_report_warns(reference: Callable[..., Tensor]) -> None:
    """As one that computes anew in the backward what was not kept; a detached gradient may be meant."""

    class Anew(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, anew: bool = False) -> Tensor:
            ctx.save_for_backward(x)
            ctx.anew = anew
            return x.sin()

        @staticmethod
        def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
            (x,) = ctx.saved_tensors
            return d_y * (x if ctx.anew else x.cos()), None

    given = (False,) if len(signature(reference).parameters) == 2 else ()
    report = check_function(Anew, reference, x, *given, ways=["options"], order=1, draws=0)
    assert report.agrees
    assert len(report.warnings) == 1
    assert "(which the reference does not read) it returns others" in report.warnings[0]


def with_option(
    forward: Callable[..., Tensor], backward: Callable[..., Tensor]
) -> type[torch.autograd.Function]:
    """A Function of a tensor and an option, whose backward is called with (x, option, d_y)."""

    def saves(ctx: Any, x: Tensor, option: Any) -> Tensor:
        ctx.inputs = x, option
        return forward(x, option)

    return function(saves, lambda ctx, d_y: (backward(*ctx.inputs, d_y), None))


@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_a_layout_and_an_option_are_tried_together(factor: float) -> None:
    """A pooling's padding beside the memory format of images: with no padding the layout is no matter."""

    def padded(x: Tensor, padding: int) -> Tensor:
        return torch.nn.functional.avg_pool2d(x, 2, 1, padding)

    def backward(x: Tensor, padding: int, d_y: Tensor) -> Tensor:
        leaf = x.detach().contiguous().requires_grad_()
        with torch.enable_grad():
            (found,) = torch.autograd.grad(padded(leaf, padding), leaf, d_y)
        is_of_images = x.is_contiguous(memory_format=torch.channels_last)
        return found * factor if padding and is_of_images else found

    images = torch.linspace(-1, 2, 96, dtype=torch.float64).view(2, 3, 4, 4)
    call = with_option(padded, backward), padded, images, 0
    report = check_function(*call, ways=["channels last", "options"], order=1, draws=0)
    assert report.agrees == (factor == 1)
    assert report.note == (
        "" if factor == 1 else "with inputs[1] = 1 in place of 0, with channels-last inputs"
    )


@pytest.mark.parametrize("looks_at_the_output", [True, False])
def test_of_a_number_of_another_sign_a_report_warns(looks_at_the_output: bool) -> None:
    """A slope below 0 is not taken by a leaky ReLU that knows its output alone: nobody may ask for one."""
    leaky = torch.nn.functional.leaky_relu

    def backward(x: Tensor, slope: float, d_y: Tensor) -> Tensor:
        return torch.where((leaky(x, slope) if looks_at_the_output else x) > 0, d_y, slope * d_y)

    report = check_function(with_option(leaky, backward), leaky, x, 0.01, ways=["options"], order=1, draws=0)
    assert report.agrees
    assert len(report.warnings) == looks_at_the_output
