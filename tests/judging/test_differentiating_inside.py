"""A function that differentiates inside, as a differential equation's residual does, is a reference too."""

import pytest
import torch
from torch import Tensor

from torch_reference import check_function

x = torch.linspace(-1.2, 1.5, 12, dtype=torch.float64).view(6, 2)


def residual(x: Tensor, weight: Tensor, factor: float = 1.0) -> Tensor:
    """d²u/dx² + u of a small network u: without a graph torch raises an error."""
    u = torch.tanh(x @ weight).sum()
    (slope,) = torch.autograd.grad(u, x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
    return curvature * factor + u


def adapted(weight: Tensor, x: Tensor) -> Tensor:
    """The loss after a step of gradient descent, as meta-learning has it."""
    (slope,) = torch.autograd.grad((x @ weight).square().mean(), weight, create_graph=True)
    return (x @ (weight - 0.1 * slope)).square().mean()


@pytest.mark.parametrize("function", [residual, adapted])
def test_what_has_a_graph_of_its_own_is_compared(function) -> None:
    """It was "nothing to compare with"."""
    args = (x, torch.randn(2, 3, dtype=x.dtype, generator=torch.Generator().manual_seed(0)))
    args = args if function is residual else args[::-1]
    report = check_function(function, function, *args, ways=["rows", "two forwards"], order=1)
    assert report, str(report)


def test_a_wrong_one_is_found() -> None:
    weight = torch.randn(2, 3, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    report = check_function(
        lambda x, w: residual(x, w, 1.001), residual, x, weight, ways=[], order=1, draws=0
    )
    assert report.first_wrong.name == "outputs[0]"
