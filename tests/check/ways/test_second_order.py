"""The second derivative is warned of, decides where it is asked for, and costs little where it is wrong."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from autograd_functions import function, saving
from catalogue.ways.functions import x
from torch_reference import check_function


def cube(ctx: Any, x: Tensor) -> Tensor:
    """Saves an intermediate, through which no second derivative goes."""
    ctx.save_for_backward(x * x)
    return x**3


def test_of_a_second_derivative_a_report_warns_unless_it_is_asked_for() -> None:
    """By default it is a warning; order=2 makes it decide, order=1 leaves it out."""
    wrong = function(cube, lambda ctx, g: 3 * g * ctx.saved_tensors[0])
    report = check_function(wrong, lambda x: x**3, x)
    assert report
    assert report.warnings == ("the second derivative is wrong: inputs[0]",)
    assert not check_function(wrong, lambda x: x**3, x, ways=[], order=2)
    assert check_function(wrong, lambda x: x**3, x, ways=[], order=1).warnings == ()
    assert check_function(torch.sin, lambda x: x.sin() * 1, x, ways=[], order=2)


def test_that_a_second_derivative_is_wrong_takes_few_runs_of_the_reference() -> None:
    """Any Function that saves intermediates has such: its bounds, kinks and whose it is took 50 runs."""

    def runs(order: int | None) -> int:
        seen: list[Tensor] = []
        wrong = function(cube, lambda ctx, g: 3 * g * ctx.saved_tensors[0])
        check_function(wrong, lambda x: seen.append(x) or x**3, x, ways=[], order=order)
        return len(seen)

    assert runs(None) - runs(1) <= 24


def test_a_second_derivative_goes_through_the_upstream_gradient_too() -> None:
    """A loss is seldom linear: of a backward that takes it for a constant the report warns."""

    def of_a_constant(ctx: Any, g: Tensor) -> Tensor:
        return g.detach() * ctx.saved_tensors[0].cos()

    for backward, count in ((of_a_constant, 1), (lambda ctx, g: g * ctx.saved_tensors[0].cos(), 0)):
        report = check_function(function(saving(torch.sin), backward), torch.sin, x, ways=[])
        assert report.warnings == ("the second derivative is wrong: inputs[0]",) * count


def test_that_a_backward_cannot_be_differentiated_is_said_as_it_is() -> None:
    """Its error, and not that a derivative is wrong; nothing where it is marked as once_differentiable."""

    def square(ctx: Any, g: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            raise RuntimeError("only once")
        return 2 * g * ctx.saved_tensors[0]

    (warning,) = check_function(function(saving(torch.square), square), torch.square, x, ways=[]).warnings
    assert warning.startswith("there is no second derivative: RuntimeError: only once")
    marked = function(saving(torch.square), once_differentiable(square))
    assert not check_function(marked, torch.square, x, ways=[]).warnings
