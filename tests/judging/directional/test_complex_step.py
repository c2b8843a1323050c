"""The witnesses of small differences: a complex step and forward mode, where a quotient confirms them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.judging.directional.complex_step import by_complex_step
from torch_reference.judging.directional.forward_mode import by_forward_mode

x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def times(function: Callable[[Tensor], Tensor], factor: float) -> Any:
    """A pair with that function's forward, and autograd's gradient of it times a factor."""

    def backward(x: Tensor, g: Tensor) -> Tensor:
        leaf = x.detach().requires_grad_()
        with torch.enable_grad():
            return factor * torch.autograd.grad(function(leaf), leaf, g)[0]

    return (lambda x: (function(x), x)), backward


SHARP: dict[str, Callable[[Tensor], Tensor]] = {
    "products": lambda x: torch.tanh(x) * x.exp(),
    "softmax": lambda x: x.softmax(-1),
    "an absolute value": lambda x: x.abs() * x,
    "relu": lambda x: torch.relu(x) @ x.T,
}


@pytest.mark.medium
@pytest.mark.parametrize("function", SHARP.values(), ids=SHARP)
def test_a_difference_below_the_quotients_error_is_told(function: Callable[[Tensor], Tensor]) -> None:
    """A thousandth of a millionth of a hundredth: it was undecided, and the report names the witness."""
    report = check_function(times(function, 1 + 1e-11), function, x, ways=[])
    assert (report.first_wrong.wrong, report.first_wrong.witness) == ("yours", "a complex step")
    assert "wrong is: yours, by a complex step" in str(report)
    large = check_function(times(function, 1.5), function, x, ways=[]).first_wrong
    assert (large.wrong, large.witness) == ("yours", "")


@pytest.mark.medium
def test_what_no_complex_number_goes_through_is_told_by_forward_mode() -> None:
    """An operation that torch has for real numbers only, and an imaginary part that is taken away."""
    for function in (lambda x: torch.special.erfcx(x), lambda x: x * torch.conj(x + 0j).real):
        report = check_function(times(function, 1 + 1e-12), function, x, ways=[])
        assert (report.first_wrong.wrong, report.first_wrong.witness) == ("yours", "forward mode")


class ByHand(torch.autograd.Function):
    """e^x times a kernel's 1, without a rule for tangents."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """The value."""
        ctx.save_for_backward(y := torch.special.erfcx(x))
        return y

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> Tensor:
        """A gradient that is off by as little as nothing else tells."""
        return above * ctx.saved_tensors[0]


@pytest.mark.slow
def test_what_has_no_rule_for_tangents_either_stays_undecided() -> None:
    """A reference with a backward of its own, and no complex number that it takes."""
    right = lambda x: ByHand.apply(torch.log1p(x.square())) * 0 + torch.special.erfcx(x)  # noqa: E731
    report = check_function(times(torch.special.erfcx, 1 + 1e-11), right, x, ways=[])
    assert report.first_wrong.wrong == "undecided"


@pytest.mark.slow
def test_a_rule_for_tangents_that_the_values_contradict_is_no_witness() -> None:
    """A reference that detaches has another tangent than its values have."""
    detached = lambda x: torch.special.erfcx(x) * (1 + 1e-11 * x.detach())  # noqa: E731
    assert by_forward_mode(lambda shift, _: detached(x + shift).sum(), torch.ones_like(x)) is not None
    report = check_function(times(detached, 1 + 1e-11), detached, x, ways=[])
    assert report.first_wrong.wrong in ("undecided", "yours")


@pytest.mark.medium
def test_its_error_knows_what_cancels() -> None:
    """A value that roundings of the point move is off by as much."""
    assert by_complex_step(lambda step, seed: step * (2.0 + 1e-3 * seed)) == (2.0, pytest.approx(0.024))

    def refused(step: float, seed: int) -> float:
        return float(torch.complex(torch.ones(1), torch.ones(1)).abs().sum().sqrt() * step)

    assert by_complex_step(lambda step, seed: float(torch.view_as_real(torch.ones(1) * 1j).sum())) is None
    assert by_complex_step(refused) is not None
