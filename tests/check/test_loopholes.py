"""What other tools let pass, or refuse though it is right."""

import pytest
import torch

from torch_reference import Verdict, check_function

x = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)


def test_a_scalar_that_broadcasts_is_a_wrong_shape() -> None:
    """A comparison that broadcasts calls it exact: every element of the right gradient is 1."""
    ones = torch.ones(3, dtype=torch.float64)
    summed = (lambda x: (x.sum(), None)), lambda saved, g: g.clone()
    first = check_function(summed, torch.sum, ones).first_wrong
    assert first.row.verdict is Verdict.WRONG_SHAPE


def test_a_large_negative_error_is_a_difference() -> None:
    """amax of the difference, without abs, is far below any tolerance here."""
    too_small = (lambda x: (x * 2, None)), lambda saved, g: 2 * g - 1e6
    assert not check_function(too_small, lambda x: 2 * x, x).agrees


def test_a_gradient_of_1e_minus_3_that_is_missing_is_a_difference() -> None:
    """An absolute tolerance of 1.0 passes it."""
    lost = (lambda x: (x * 1e-3, None)), lambda saved, g: 0 * g
    assert check_function(lost, lambda x: x * 1e-3, x).first_wrong.diagnosis.kind == "detached"


def test_a_flipped_sign_that_gradchecks_fast_mode_passes_is_refused() -> None:
    """One small element among large ones disappears in a random projection of them all."""
    factors = torch.linspace(1, 2, 50, dtype=torch.float64)
    factors[7] = 1e-6

    class Flipped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * factors

        @staticmethod
        def backward(ctx, d_loss_d_output):
            flipped = factors.clone()
            flipped[7] *= -1
            return d_loss_d_output * flipped

    point = torch.ones(50, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Flipped.apply, (point,), fast_mode=True)
    first = check_function(Flipped, lambda x: x * factors, point.detach()).first_wrong
    assert (first.name, first.row.index, first.row.wrong_elements) == ("inputs[0]", (7,), 1)


@pytest.mark.slow
def test_softplus_near_its_threshold_is_no_false_alarm() -> None:
    """gradcheck's finite differences straddle the jump at 20; the same function by hand is right there."""

    class Softplus(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.where(x > 20, x, torch.log1p(torch.exp(x)))

        @staticmethod
        def backward(ctx, d_loss_d_output):
            (x,) = ctx.saved_tensors
            return d_loss_d_output * torch.where(x > 20, 1.0, torch.sigmoid(x))

    near = torch.tensor([19.9999999, 20.0, 20.0000001, 3.0, -3.0], dtype=torch.float64)
    assert check_function(Softplus, torch.nn.functional.softplus, near).agrees
