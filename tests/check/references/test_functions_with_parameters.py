"""Functions that hold numbers which require a gradient themselves: a module, a closure over a parameter."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from autograd_functions import function
from torch_reference import check_function

generator = torch.Generator().manual_seed(0)
x = torch.randn(4, 3, generator=generator)
weight = nn.Parameter(torch.randn(3, 3, generator=generator))


def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
    """A linear layer."""
    ctx.save_for_backward(x, weight)
    return x @ weight.T


def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
    """Both of its gradients."""
    x, weight = ctx.saved_tensors
    return g @ weight, g.T @ x


Linear = function(forward, backward)


def test_a_module_of_its_own_numbers_is_taken() -> None:
    """Its outputs require a gradient whatever the inputs do: that was an error of the check's."""
    module = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    module[0].register_forward_hook(lambda module, inputs, output: output * 1.0)
    assert check_function(module, lambda x: torch.tanh(module[0](x)), x, ways=["two forwards"])


@pytest.mark.medium
def test_a_wrong_one_beside_a_closures_float32_is_told() -> None:
    """What is run in float64 meets the closure's own numbers: nobody's reference fails there."""

    def plain(x: Tensor) -> Tensor:
        return x @ weight.T

    assert check_function(lambda x: Linear.apply(x, weight), plain, x, ways=["transposed"])
    wrong = check_function(lambda x: Linear.apply(x, weight * 1.001), plain, x, ways=[])
    assert {each.name for each in wrong.findings if not each.agrees} == {"outputs[0]", "inputs[0]"}
    assert wrong.findings[-1].wrong == "yours"


def test_a_parameter_of_its_own_is_nothing_to_compare() -> None:
    """No output depends on the input, so that zeros agree with nothing."""
    report = check_function(lambda x: weight * 1.0, lambda x: weight * 1.0, x, ways=[])
    assert not report
    assert "no output of the reference depends on an input" in " ".join(str(report).split())


def test_an_oversight_of_a_modules_backward_is_no_refusal() -> None:
    """Of inputs that are parameters, which a module may refuse: its forward has taken them."""

    def halved(ctx: Any, x: Tensor) -> Tensor:
        ctx.half = None if isinstance(x, nn.Parameter) else 0.5
        return x * 0.5

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.half = (
                nn.Parameter(torch.ones(3)),
                function(halved, lambda ctx, g: ctx.half * g),
            )

        def forward(self, x: Tensor) -> Tensor:
            return self.half.apply(x) * self.weight

    module = Scaled()
    report = check_function(module, lambda x: 0.5 * x * module.weight, x, ways=["kinds of inputs"], order=1)
    assert report.ways == (("kinds of inputs", "fails"),)
    assert "raises an error" in str(report)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("reentrant", [False, True])
def test_of_what_is_no_leaf_no_gradient_is_read(reentrant: bool) -> None:
    """Torch warns of that: an input that is a view of a parameter, and that nothing depends on."""

    def sine(x: Tensor, unused: Tensor) -> Tensor:
        return checkpoint(torch.sin, x, use_reentrant=True) if reentrant else x.sin()

    report = check_function(sine, lambda x, y: x.sin() + 0 * y, x, x.cos(), ways=["kinds of inputs"], order=1)
    assert report.ways == (("kinds of inputs", "agrees"),), report
