"""Without a reference a function is its own; with a surrogate only its values are the reference's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autograd_functions import function, saving
from torch_reference import check_function
from torch_reference.check.references.differences import by_differences
from torch_reference.check.references.right import OWN, QUOTIENT

x = torch.tensor([[0.4, -1.3], [2.1, 0.7]], dtype=torch.float64)


def of_numpy(ctx: Any, x: Tensor) -> Tensor:
    """What autograd sees nothing of."""
    y = torch.from_numpy(np.exp(x.detach().numpy()))
    ctx.save_for_backward(y)
    return y


def partly(ctx: Any, x: Tensor) -> Tensor:
    """What autograd sees a half of."""
    ctx.save_for_backward(x)
    return x * x.detach()


def in_place(ctx: Any, x: Tensor) -> Tensor:
    """What a leaf must not be given to."""
    ctx.mark_dirty(x)
    return x.mul_(3)


def set_up(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """The newer style."""
    ctx.save_for_backward(inputs[0])
    ctx.factor = inputs[1]


twice_itself = lambda ctx, g: 2 * g * ctx.saved_tensors[0]  # noqa: E731
newer = function(lambda x, k: k * x * x, lambda ctx, g: (g * 2 * ctx.factor * ctx.saved_tensors[0], None))
newer.setup_context = staticmethod(set_up)
FUNCTIONS: dict[str, tuple[Callable[[float], Any], str, tuple[Any, ...]]] = {
    "plain torch": (lambda k: function(saving(lambda x: k * x * x), twice_itself), OWN, (x,)),
    "its apply": (lambda k: function(saving(lambda x: k * x * x), twice_itself).apply, OWN, (x,)),
    "float32": (lambda k: function(saving(lambda x: k * x * x), twice_itself), OWN, (x.float(),)),
    "a pair": (lambda k: (lambda x: (k * x * x, x), lambda x, g: 2 * g * x), OWN, (x,)),
    "the newer style": (lambda k: newer, OWN, (x, 3.0)),
    "in place": (lambda k: function(in_place, lambda ctx, g: 3 * k * g), OWN, (x,)),
    "numpy": (lambda k: function(of_numpy, lambda ctx, g: k * g * ctx.saved_tensors[0]), QUOTIENT, (x,)),
    "half detached": (
        lambda k: function(partly, lambda ctx, g: 2 * k * g * ctx.saved_tensors[0]), QUOTIENT, (x,)
    ),
    "any callable": (lambda k: lambda x: x.sin() * (x if k == 1 else x.detach()), QUOTIENT, (x.float(),)),
    "a complex one": (
        lambda k: lambda z: k * z * z + (1 - k) * (z * z).detach(), QUOTIENT, (torch.complex(x, x.T),)
    ),
}  # fmt: skip


@pytest.mark.medium(2)
@pytest.mark.parametrize(("made", "told", "inputs"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_is_judged_by_its_own_values(
    made: Callable[[float], Any], told: str, inputs: tuple[Any, ...]
) -> None:
    """The right one agrees, the wrong one does not, and the report says what was compared."""
    right = check_function(made(1.0), None, *inputs, ways=["redrawn"], order=1)
    assert right, str(right)
    assert right.remarks == (told,)
    assert told.split(",")[0] in str(right).replace("\n    ", " ")
    if made(1.0) is not newer:
        assert not check_function(made(1.001), None, *inputs, ways=[], order=1, draws=0)


def test_what_cannot_be_differenced_is_undecided() -> None:
    """Too many numbers; nobody is blamed."""
    report = check_function(torch.sin, None, torch.ones(500))
    assert str(report).startswith("UNDECIDED: there is nothing to compare with (float32)")
    assert "more than 400 numbers to move" in str(report)


def strip(x: Tensor) -> Tensor:
    """x², whose slope is another in a strip below zero, as transformers' xIELU has one of 1e-6."""
    return torch.where(x > 0, x**2, torch.expm1(torch.minimum(x, torch.tensor(-1e-6))) - x)


def test_a_strip_that_no_step_sees_is_a_kink_where_something_is_zero() -> None:
    """Autograd's own slope there is another than that of any quotient: the point is not judged."""
    given = torch.linspace(-2, 2, 8).double()
    report = check_function(strip, None, given, ways=["zeros", "redrawn"], order=1)
    assert report.agrees, report


STRAIGHT = function(lambda ctx, x: x.round(), lambda ctx, g: g)


@pytest.mark.parametrize("reference", [None, torch.round])
def test_a_straight_through_estimator_is_told_and_its_surrogate_taken(reference: Any) -> None:
    """The diagnosis says what to give; the gradient is the surrogate's and the value the reference's."""
    report = check_function(STRAIGHT, reference, x)
    first = report.first_wrong
    assert (first.diagnosis.kind, first.wrong) == ("straight-through", "undecided")
    assert "wrong here" not in str(report)
    assert not report.fix
    assert check_function(STRAIGHT, reference, x, surrogate=lambda x: x, ways=["redrawn"])
    assert not check_function(STRAIGHT, reference, x, surrogate=lambda x: x / 3, ways=[], draws=0)
    assert not check_function(STRAIGHT, torch.floor, x, surrogate=lambda x: x, ways=[], draws=0)
    told = check_function(STRAIGHT, reference, x, surrogate=lambda x: x[0])
    assert "surrogate: expected an output of shape (2, 2), found (2,)" in str(told).replace("\n    ", " ")


def test_a_wrong_gradient_of_what_is_not_constant_is_no_straight_through() -> None:
    """Where the reference has a gradient, it is a mistake."""
    wrong = function(saving(torch.square), lambda ctx, g: g)
    assert check_function(wrong, torch.square, x).first_wrong.diagnosis.kind != "straight-through"


@pytest.mark.medium
def test_the_users_own_points_are_gone_to() -> None:
    """The first of them that fails is named; redraw=False goes to no other."""
    wrong = function(saving(torch.square), lambda ctx, g: 2 * g * ctx.saved_tensors[0].clamp(max=5))
    assert check_function(wrong, torch.square, x, points=[(x / 2,), (-x,)], ways=[])
    report = check_function(wrong, torch.square, x, points=[(x / 2,), (x * 9,)], redraw=False, draws=0)
    assert not report
    assert (report.note, report.ways[-2:]) == (
        "at points[1]",
        (("points[0]", "agrees"), ("points[1]", "fails")),
    )
    with pytest.raises(ValueError, match=r"^points\[0\]: expected a tuple of arguments, found Tensor$"):
        check_function(wrong, torch.square, x, points=[x], ways=[])


@pytest.mark.parametrize("error", [KeyError, SystemExit, AttributeError])
def test_whatever_a_forward_raises_is_a_report(error: type[BaseException]) -> None:
    """One that is to be its own reference."""

    def raises(ctx: Any, x: Tensor) -> Tensor:
        raise error("odd")

    report = check_function(function(raises, lambda ctx, g: g), None, x)
    assert "UNDECIDED" in str(report)
    assert error.__name__ in str(report)


def softmax_of_numpy(ctx: Any, x: Tensor) -> Tensor:
    """Along rows."""
    shifted = np.exp(x.detach().numpy() - x.detach().numpy().max(-1, keepdims=True))
    y = torch.from_numpy(shifted / shifted.sum(-1, keepdims=True))
    ctx.save_for_backward(y)
    return y


def test_what_a_right_backward_rounds_itself_in_float32_is_no_mistake() -> None:
    """Two that were refused: a sum under an expanded upstream gradient, and a mean that cancels."""
    rows = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    softmax = function(
        softmax_of_numpy,
        lambda ctx, g: (lambda y: y * (g - (g * y).sum(-1, keepdim=True)))(ctx.saved_tensors[0]),
    )
    assert (report := check_function(softmax, None, rows, ways=["expanded upstream"])), str(report)
    assert check_function(lambda x: torch.nn.functional.layer_norm(x, (6,)), None, rows, ways=[])


def test_a_number_is_moved_once_whatever_the_upstream_gradient_is() -> None:
    """A check asks for many; it used to take up to half a minute for two dozen numbers."""
    calls = 0

    def counted(x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return x.sin()

    leaf = x.clone().requires_grad_()
    output = by_differences(counted)(leaf)
    torch.autograd.grad(output, leaf, torch.ones_like(x), retain_graph=True)
    before = calls
    [found] = torch.autograd.grad(output, leaf, 3 * x)
    assert calls == before <= 7 + 6 * x.numel()  # five tell whether it is the same in float64 throughout
    torch.testing.assert_close(found, 3 * x * x.cos())


def test_a_gradient_that_cancels_to_nothing_has_a_bound() -> None:
    """At equal inputs a similarity is largest: what remains of its gradient in float32 is rounding."""

    def similarity(a: Tensor, b: Tensor) -> Tensor:
        return (2 * a * b + 0.01).sum() / (a * a + b * b + 0.01).sum()

    a, b = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(0))
    report = check_function(similarity, None, a, b, ways=["one tensor twice"], order=1)
    assert report, str(report)
