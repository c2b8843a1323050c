"""A peer's check on our gradient: gradcheck and gradgradcheck of a Function on the manual derivation."""

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from manual_backprop import PARAMETERS, forward, gradients
from strategies import Case, cases


class ManualSsr(torch.autograd.Function):
    """SSR of the lesson's network, whose backward is the derivation by hand."""

    @staticmethod
    def forward(ctx, inputs: Tensor, observed: Tensor, *parameters: Tensor) -> Tensor:
        """SSR, with everything that backward needs."""
        ctx.save_for_backward(inputs, observed, *parameters)
        return forward(dict(zip(PARAMETERS, parameters, strict=True)), inputs, observed).ssr

    @staticmethod
    def backward(ctx, d_loss_d_ssr: Tensor) -> tuple[Tensor | None, ...]:
        """Upstream times the manual gradient; gradgradcheck differentiates this once more."""
        inputs, observed, *parameters = ctx.saved_tensors
        gradient = gradients(dict(zip(PARAMETERS, parameters, strict=True)), inputs, observed, wrt=PARAMETERS)
        return (None, None, *(d_loss_d_ssr * gradient[name] for name in PARAMETERS))


def ordinary_case() -> tuple[Tensor, ...]:
    """Data and parameters between −2 and 2: gradcheck's tolerance is absolute, made for numbers near 1."""
    generator = torch.Generator().manual_seed(0)
    values = [torch.rand(5, generator=generator, dtype=torch.float64) * 4 - 2 for _ in range(2)]
    parameters = torch.rand(len(PARAMETERS), generator=generator, dtype=torch.float64) * 4 - 2
    return (*values, *(parameter.clone().requires_grad_() for parameter in parameters))


@pytest.mark.parametrize("fast_mode", [False, True])
def test_gradcheck_accepts_the_manual_gradient(fast_mode: bool) -> None:
    """Finite differences of the manual forward pass match the manual derivatives."""
    assert torch.autograd.gradcheck(ManualSsr.apply, ordinary_case(), fast_mode=fast_mode)


def test_gradgradcheck_accepts_the_manual_gradient() -> None:
    """So do the second derivatives: the manual formulas are right in a neighbourhood, not only at a point."""
    assert torch.autograd.gradgradcheck(ManualSsr.apply, ordinary_case())


@settings(max_examples=10)
@given(case=cases(batches=False))
def test_the_function_gives_autograd_the_manual_gradient(case: Case) -> None:
    """backward() through the Function leaves the manual derivatives in .grad, scaled by the upstream."""
    parameters = [case.parameters[name].clone().requires_grad_() for name in PARAMETERS]
    (ManualSsr.apply(case.inputs, case.observed, *parameters) * -0.5).backward()
    gradient = gradients(*case, wrt=PARAMETERS)
    for name, parameter in zip(PARAMETERS, parameters, strict=True):
        assert torch.equal(parameter.grad, gradient[name] * -0.5)
