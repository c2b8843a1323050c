"""A second derivative is warned of, or decides; a Function's own rule for a batch; a tensor given twice."""

from typing import Any

import pytest
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


def with_a_rule(where: int | None) -> type[torch.autograd.Function]:
    """With a rule that puts the batch where it was, or says always that it is there."""

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(x: Tensor) -> Tensor:
            return x**3

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, above: Tensor) -> Tensor:
            return above * 3 * ctx.saved_tensors[0] ** 2

        @staticmethod
        def vmap(info: Any, dims: tuple[int, ...], x: Tensor) -> Any:
            return Cube.apply(x), dims[0] if where is None else where

    return Cube


@pytest.mark.parametrize("shape", [(2, 3), (3, 3)], ids=["oblong", "square"])
@pytest.mark.parametrize("where", [None, 0])
def test_a_batch_stays_in_its_dimension(where: int | None, shape: tuple[int, int]) -> None:
    """Where the shape alone showed it, that was taken for a rule that forbids such a batch."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    report = check_function(with_a_rule(where), lambda x: x**3, x, ways=["vmap"], order=1)
    assert report.ways == (("vmap", "agrees" if where is None else "fails"),), report


def test_a_distance_of_a_tensor_to_itself_has_any_slope() -> None:
    """That it is no number there is warned of, as it is at zeros."""

    def apart(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.unit, distance = a - b, (a - b).square().sum(-1).sqrt()
        ctx.unit = ctx.unit / distance[:, None]
        return distance

    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor]:
        return above[:, None] * ctx.unit, -above[:, None] * ctx.unit

    a, b = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    mine, ways = function(apart, backward), ["one tensor twice"]
    report = check_function(mine, lambda a, b: (a - b).norm(dim=-1), a, b, wrt=[0, 1, 1], ways=ways, order=1)
    assert report.ways == (("one tensor twice", "warns"),), report
