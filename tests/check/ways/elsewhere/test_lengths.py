"""Each dimension longer than a block, with those that have to go with it."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from autograd_functions import function, saving
from torch_reference import check_function
from torch_reference.check.ways.elsewhere import lengths


def drawn(*shape: int) -> Tensor:
    """Normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def of_one_block(reference: Callable[..., Tensor], which: int, dim: int) -> type[torch.autograd.Function]:
    """A function whose gradient of one input is wrong beyond 8 numbers along one dimension."""

    class OfOneBlock(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Tensor:
            ctx.save_for_backward(*inputs)
            return reference(*inputs)

        @staticmethod
        def backward(ctx: Any, above: Tensor) -> Any:
            with torch.enable_grad():
                leaves = [value.detach().requires_grad_() for value in ctx.saved_tensors]
                gradients = list(torch.autograd.grad(reference(*leaves), leaves, above))
            gradient = gradients[which]
            if gradient.shape[dim] > 8:
                gradients[which] = torch.cat(
                    [gradient.narrow(dim, 0, 8), 2 * gradient.narrow(dim, 8, gradient.shape[dim] - 8)], dim
                )
            return tuple(gradients)

    return OfOneBlock


HEADS = (drawn(2, 2, 4, 3), drawn(2, 2, 6, 3), drawn(2, 2, 6, 3))
AFFINE = (drawn(4, 3), drawn(5, 3), drawn(5))
IMAGE = (drawn(2, 3, 6, 5), drawn(4, 3, 2, 2), drawn(4))
attention = functional.scaled_dot_product_attention
CASES = {
    "heads": (attention, HEADS, 0, 1, "37 in inputs[0] (dimension 1), inputs[1] (dimension 1), inputs[2]"),
    "keys": (attention, HEADS, 1, 2, "37 in inputs[1] (dimension 2), inputs[2] (dimension 2)"),
    "what a matrix puts out": (functional.linear, AFFINE, 1, 0, "37 in inputs[1] (dimension 0), inputs[2]"),
    "columns of a product": (torch.matmul, (drawn(2, 4, 3), drawn(2, 3, 5)), 1, 2, "37 in inputs[1]"),
    "channels": (functional.conv2d, IMAGE, 1, 1, "37 in inputs[0] (dimension 1), inputs[1] (dimension 1)"),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_beyond_a_block_is_seen(name: str) -> None:
    """All were right at every number of rows and columns that was tried."""
    reference, inputs, which, dim, told = CASES[name]
    function = of_one_block(reference, which, dim)
    report = check_function(function, reference, *inputs, ways=["lengths"], order=1, draws=0)
    assert report.note.startswith(f"with {told}")


@pytest.mark.parametrize("name", CASES)
def test_what_is_right_agrees_at_each_length(name: str) -> None:
    """And the reference takes some of them."""
    reference, inputs, *_ = CASES[name]
    report = check_function(reference, reference, *inputs, ways=["lengths"], order=1, draws=0)
    assert not report.warnings


def test_gates_are_as_many_as_steps() -> None:
    """A recurrence that reads no more gates than it has steps: of the others a kernel may write nothing."""

    def recurrence(x: Tensor, gates: Tensor) -> Tensor:
        states = [x[:, 0]]
        for step in range(1, x.shape[1]):
            states.append(gates[:, step].sigmoid() * states[-1] + x[:, step])
        return torch.stack(states, 1)

    class Recurrence(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, gates: Tensor) -> Tensor:
            ctx.save_for_backward(x, gates)
            return recurrence(x, gates)

        @staticmethod
        def backward(ctx: Any, above: Tensor) -> Any:
            with torch.enable_grad():
                leaves = [value.detach().requires_grad_() for value in ctx.saved_tensors]
                gradients = torch.autograd.grad(recurrence(*leaves), leaves, above)
            gradients[1][:, above.shape[1] :] = torch.nan
            return gradients

    x, gates = drawn(1, 40, 64), drawn(1, 40, 64)
    report = check_function(Recurrence, recurrence, x, gates, ways=["lengths"], order=1, draws=0)
    assert report.agrees, report


def test_a_constant_is_made_longer() -> None:
    """Of which no gradient tells what the reference reads."""

    class Weighted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, weights: Tensor) -> Tensor:
            ctx.save_for_backward(weights)
            return x * weights.sum(-1)

        @staticmethod
        def backward(ctx: Any, above: Tensor) -> Any:
            (weights,) = ctx.saved_tensors
            return above * weights[..., :8].sum(-1), None

    report = check_function(
        Weighted, lambda x, w: x * w.sum(-1), drawn(3), drawn(3, 4), wrt=[0], ways=["lengths"], draws=0
    )
    assert not report.agrees


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """A rotary embedding as transformers has it."""
    half = x.shape[-1] // 2
    return x * cosine + torch.cat([-x[..., half:], x[..., :half]], -1) * sine


@pytest.mark.medium
def test_what_is_cut_into_halves_has_an_even_number() -> None:
    """Of an odd number a rotation is another function, of which a right derivative is not right."""

    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None, None]:
        cosine, sine = ctx.saved_tensors[1:]
        one, other = (above * sine).chunk(2, -1)
        return above * cosine + torch.cat([other, -one], -1), None, None

    x, angles = drawn(2, 3, 8), drawn(3, 8)
    mine, tables = function(saving(rotated), backward), (angles.cos(), angles.sin())
    report = check_function(mine, rotated, x, *tables, wrt=[0], ways=["columns", "lengths"], order=1)
    assert report.agrees, report
    assert dict(report.ways) == {"columns": "agrees", "lengths": "agrees"}


def test_another_shape_at_another_size_is_the_functions_own_affair() -> None:
    """It was told as an error of a backward that had not been called (pytorch #38985: every fourth pixel)."""
    nearest = function(every_fourth, lambda ctx, above: functional.pad(above[..., None], (0, 3)).flatten(-2))

    def reference(x: Tensor) -> Tensor:
        return functional.interpolate(x, scale_factor=0.25, mode="nearest")

    report = check_function(nearest, reference, drawn(1, 2, 8), ways=["lengths"])
    assert report.agrees, report
    assert not report.warnings


def every_fourth(ctx: Any, x: Tensor) -> Tensor:
    return x[..., ::4].clone()


def test_no_length_is_left_out_where_each_look_takes_some_hundredths_of_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a busy machine: what is wrong beyond a block of keys agreed then."""
    times = itertools.count(0.0, 0.03)
    monkeypatch.setattr(lengths, "thread_time", lambda: next(times))
    reference, inputs, which, dim, told = CASES["keys"]
    function = of_one_block(reference, which, dim)
    report = check_function(function, reference, *inputs, ways=["lengths"], order=1, draws=0)
    assert report.note.startswith(f"with {told}")
