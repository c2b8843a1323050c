"""What a function takes: layouts that its forward forbids itself, constants whose numbers belong together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import Function

from torch_reference import Verdict, check_function

draws = torch.Generator().manual_seed(0)
x = torch.randn(4, 6, generator=draws)
LAYOUTS = ["spread", "transposed", "sliced rows"]


def square_of(guard: Callable[[Tensor], Any], backward: Callable[[Tensor], Any] = id) -> type[Function]:
    """x², with a look at its input and at its upstream gradient."""

    class Square(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            guard(x)
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, above: Tensor) -> Tensor:  # type: ignore[override]
            backward(above)
            return 2 * ctx.saved_tensors[0] * above

    return Square


def asserted(x: Tensor) -> None:
    """As kernels do."""
    assert x.is_contiguous()


def raised(x: Tensor) -> None:
    """With a sentence."""
    if not x.is_contiguous():
        raise ValueError("expected rows one after another")


def checked(x: Tensor) -> None:
    """As C++ does."""
    torch._assert(x.is_contiguous(), "x must be contiguous")


@pytest.mark.medium(1)
@pytest.mark.parametrize("guard", [asserted, raised, checked])
def test_a_forward_may_refuse_a_layout(guard: Callable[[Tensor], None]) -> None:
    """It is said, and no mistake; of an upstream gradient, which autograd lays out, a backward may not."""
    report = check_function(square_of(guard), torch.square, x, ways=LAYOUTS, order=1)
    assert report.agrees, report
    assert dict(report.ways) == dict.fromkeys(LAYOUTS, "refused")
    report = check_function(square_of(id, guard), torch.square, x, ways=LAYOUTS, order=1)
    assert dict(report.ways) == dict.fromkeys(LAYOUTS, "fails")


def test_a_backward_takes_the_layouts_that_its_forward_took() -> None:
    """Its own word on them is none of the forward's."""

    class Late(square_of(id)):  # type: ignore[misc]
        @staticmethod
        def backward(ctx: Any, above: Tensor) -> Tensor:
            asserted(ctx.saved_tensors[0])
            return 2 * ctx.saved_tensors[0] * above

    report = check_function(Late, torch.square, x, ways=["transposed"], order=1, draws=0)
    assert dict(report.ways) == {"transposed": "fails"}


def test_what_a_backward_says_that_it_does_not_do_is_warned_of() -> None:
    """With more rows, which its forward takes, a training ends there."""

    def few(above: Tensor) -> None:
        if len(above) > 5:
            raise NotImplementedError("of many rows")

    report = check_function(square_of(id, few), torch.square, x, ways=["rows"], order=1, draws=0)
    assert report.agrees, str(report)
    assert "rows the backward raises an error: NotImplementedError: of many rows" in report.warnings[0]


def test_an_oversight_is_no_refusal() -> None:
    """A view that such a layout does not allow, and a forward that raises when it is called once more."""
    report = check_function(square_of(lambda x: x.view(-1)), torch.square, x, ways=["transposed"], order=1)
    assert dict(report.ways) == {"transposed": "fails"}


def rotated(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotary embedding: each half of the columns by the same angles."""
    turned = torch.cat((-x[..., 3:], x[..., :3]), -1)
    return x * cosines + turned * sines


@pytest.mark.medium
def test_tables_of_constants_stay_as_they_are() -> None:
    """Cosines of which a kernel reads one half are not drawn anew; a gain of ones is, also a constant one."""
    angles = torch.randn(4, 3, generator=draws).repeat(1, 2)

    def of_halves(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        return rotated(x, cosines[:, :3].repeat(1, 2), sines[:, :3].repeat(1, 2))

    report = check_function(of_halves, rotated, x, angles.cos(), angles.sin(), wrt=[0], order=1)
    assert report.agrees, report

    def without_gain(x: Tensor, gain: Tensor) -> Tensor:
        return x * gain + (x - x.detach()) * (1 - gain)

    report = check_function(without_gain, torch.mul, x, torch.ones(6), wrt=[0], order=1)
    assert ("redrawn", "fails") in report.ways


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_exponential_by_powers_of_two_is_right(dtype: torch.dtype) -> None:
    """2ʸ of a rounded y = x log₂ e is off by |x| u, at 80 by eighty; 100 u of x are not explained."""
    log2_e = 1.4426950408889634
    large = (30 * torch.randn(6, 5, generator=draws, dtype=torch.float64)).to(dtype)

    def exponential(shift: float) -> tuple[Callable[[Tensor], Any], Callable[[Any, Tensor], Tensor]]:
        def forward(x: Tensor) -> Any:
            y = torch.from_numpy(np.exp2((x * log2_e * shift).numpy()))
            return y, y

        return forward, lambda y, above: above * y

    report = check_function(exponential(1), torch.exp, large.clamp(-80, 80), order=1)
    assert report.agrees, report
    wrong = 1 + 50 * torch.finfo(dtype).eps
    assert not check_function(exponential(wrong), torch.exp, large.clamp(-80, 80), order=1, ways=[])


def test_an_upstream_gradient_grows_no_further_than_the_gradients_can() -> None:
    """2^20 times e^80 is infinite in float32, and a 2^20th of e^-80 loses digits: neither is asked for."""
    extreme = torch.tensor([80.0, -80.0, 1.0])
    report = check_function(torch.exp, torch.exp, extreme, ways=["scaled upstream"], order=1)
    assert report.agrees, report


def test_a_reference_may_be_a_function_with_a_backward() -> None:
    """Of another version, say: its class is applied, as that of the function is, and not made."""
    old, new = square_of(id), square_of(id)
    assert check_function(new, old, x, ways=[], order=1)
    assert check_function(torch.square, old, x, ways=["options", "redrawn"], order=1)
    assert check_function(new, torch.square, x, surrogate=old, ways=[], order=1)


def test_a_module_is_no_class() -> None:
    """Its class makes modules of what are inputs."""
    for function, reference in (
        (nn.Softplus, torch.square),
        (nn.Softplus, None),
        (torch.square, nn.Softplus),
    ):
        with pytest.raises(TypeError, match=r"found its class: Softplus\(\.\.\.\) makes one"):
            check_function(function, reference, x)


def test_a_pairs_gradient_of_another_shape_at_other_sizes_is_wrong() -> None:
    """With more rows the backward has to take what the forward took; nobody else would tell."""
    pair = (lambda x: (x * 2, None)), lambda _, above: 2 * above[: len(x)]
    report = check_function(pair, lambda x: x * 2, x, ways=["rows"], order=1)
    assert report.first_wrong.row.verdict is Verdict.WRONG_SHAPE, report
