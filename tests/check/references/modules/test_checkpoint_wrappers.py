"""Modules whose backward runs a forward again, as that of fairscale's checkpoint_wrapper does."""

import functools
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_modules

x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class RunAgain(torch.autograd.Function):
    """What is differentiated is a dummy; parameters' gradients are added up in the backward."""

    @staticmethod
    def forward(ctx: Any, dummy: Tensor, run: Any, *inputs: Tensor) -> Tensor:
        """Without a graph."""
        ctx.run, ctx.inputs = run, inputs
        with torch.no_grad():
            return run(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        """Of a graph of its own."""
        if not torch.autograd._is_checkpoint_valid():
            raise RuntimeError("not compatible with .grad()")
        inputs = [each.detach().requires_grad_(each.is_floating_point()) for each in ctx.inputs]
        with torch.enable_grad():
            torch.autograd.backward(ctx.run(*inputs), g)
        return None, None, *(each.grad for each in inputs)


def again(forward: Any, itself: Any, *inputs: Tensor) -> Any:
    """The forward of the module behind a weak reference."""
    return RunAgain.apply(torch.ones((), requires_grad=True), functools.partial(forward, itself()), *inputs)


def wrapped(module: nn.Module) -> nn.Module:
    """The module itself, which runs its forward again; a copy of it would run the original's."""
    module.forward = functools.partial(again, type(module).forward, weakref.ref(module))
    return module


def network() -> nn.Module:
    """The same numbers each time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh()).double()


def test_a_weak_reference_of_a_module_to_itself_is_the_copys_in_a_copy() -> None:
    """The gradients of the parameters are there, and not zero."""
    mine = wrapped(network())
    report = check_modules(mine, network(), x, ways=["rows", "two forwards"], order=1)
    assert report, str(report)
    assert mine.forward.args[1]() is mine


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_gradients_that_no_path_leads_to_are_those_of_backward(factor: float) -> None:
    """Where inputs are integers nothing but the dummy is differentiated; a wrong one is refused."""

    class Scaled(nn.Embedding):
        def forward(self, index: Tensor) -> Tensor:
            value = nn.functional.embedding(index, self.weight)
            return value * factor + value.detach() * (1 - factor)

    torch.manual_seed(0)
    mine, plain = Scaled(5, 3).double(), nn.Embedding(5, 3).double()
    plain.load_state_dict(mine.state_dict())
    ways = ["without grad", "repeated indices"]
    report = check_modules(
        wrapped(mine), plain, torch.tensor([0, 3, 1, 1]), ways=ways, order=1, draws=4 * (factor == 1)
    )
    assert report.agrees is (factor == 1), str(report)
    assert report.findings[-1].name == "inputs[0]['weight']"
    assert "detached" not in str(report)


def test_a_hook_on_a_parameter_is_called_as_in_a_training() -> None:
    """Whatever it makes of the gradient is what is compared, and the module keeps it."""
    mine, plain = network(), network()
    calls = []
    mine[0].weight.register_hook(lambda g: calls.append(g) or 2 * g)
    report = check_modules(mine, plain, x, ways=[], order=1, draws=0)
    assert [finding.name for finding in report.findings if not finding.agrees] == ["inputs[0]['0.weight']"]
    plain[0].weight.register_hook(lambda g: g + g)
    assert check_modules(mine, plain, x, ways=["without grad", "two forwards"], order=1)
    assert calls
