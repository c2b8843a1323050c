"""A module's parameters are judged with it, and what it keeps on itself from call to call is seen."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from autograd_functions import function
from torch_reference import check_function, check_modules

draws = torch.Generator().manual_seed(0)
x = torch.randn(3, 4, generator=draws, dtype=torch.float64)
weight = torch.randn(2, 4, generator=draws, dtype=torch.float64)


def product(factor: float) -> Any:
    """A linear layer with a factor in its weight's gradient."""

    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x @ weight.T

    def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        return d_y @ weight, factor * d_y.T @ x

    return function(forward, backward)


class Linear(nn.Module):
    """By a Function of its own; a factor of None is by torch."""

    def __init__(self, factor: float | None = None) -> None:
        """Take the same weight in all."""
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.call = torch.nn.functional.linear if factor is None else product(factor).apply

    def forward(self, x: Tensor) -> Tensor:
        """The product."""
        return self.call(x, self.weight)


REFERENCES = {
    "a module of the same": lambda module: Linear(),
    "one that reads them": lambda module: lambda x: x @ module.weight.T,
    "none": lambda module: None,
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_parameters_gradient_is_judged(reference: str) -> None:
    """It is one of the report's, and a factor in it is refused."""
    right, wrong = Linear(1.0), Linear(2.0)
    report = check_function(right, REFERENCES[reference](right), x, ways=[], order=1)
    assert report.agrees, report
    assert "inputs['parameters']['weight']" in [finding.name for finding in report.findings]
    report = check_function(wrong, REFERENCES[reference](wrong), x, ways=[], order=1)
    assert [each.name for each in report.findings if not each.agrees] == ["inputs['parameters']['weight']"]


def test_a_parameter_that_the_reference_has_not_is_not_judged() -> None:
    """A reference with a weight of its own is right all the same; the module is left as it was."""
    module = Linear(2.0)
    before = module.weight
    assert check_function(module, lambda x: x @ weight.T, x, ways=[], order=1)
    assert module.weight is before
    assert before.grad is None


class Masked(nn.Module):
    """Keeps its mask on itself, so that a second forward changes the first one's backward."""

    def __init__(self, on_itself: bool) -> None:
        """Take a gain."""
        super().__init__()
        self.gain, self.on_itself = nn.Parameter(weight[0].clone()), on_itself

    def forward(self, x: Tensor) -> Tensor:
        """The positive part, times the gain."""
        self.mask = x > 0
        mask = self.mask

        def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor, Tensor]:
            x, gain = ctx.saved_tensors
            kept = self.mask if self.on_itself else mask
            return d_y * gain * kept, (d_y * x.clamp(min=0)).sum(0)

        def forward(ctx: Any, x: Tensor, gain: Tensor) -> Tensor:
            ctx.save_for_backward(x, gain)
            return x.clamp(min=0) * gain

        return function(forward, backward).apply(x, self.gain)


@pytest.mark.medium
@pytest.mark.parametrize("on_itself", [True, False])
def test_what_a_module_keeps_on_itself_is_seen_by_two_forwards(on_itself: bool) -> None:
    """By check_modules, whose module is a copy, and by check_function alike."""
    module, right = Masked(on_itself), Masked(False)
    for check in (check_modules, check_function):
        report = check(module, right, x, ways=["two forwards"], order=1)
        assert report.agrees is not on_itself, report


class Checkpointed(nn.Module):
    """Runs its layer again in its backward."""

    def __init__(self, reentrant: bool | None) -> None:
        """Without a checkpoint for None."""
        super().__init__()
        self.layer, self.reentrant = nn.Linear(4, 2).double(), reentrant
        nn.init.constant_(self.layer.weight, 0.3)
        nn.init.constant_(self.layer.bias, -0.2)

    def part(self, x: Tensor) -> Tensor:
        """What is run again."""
        return torch.tanh(self.layer(x))

    def forward(self, x: Tensor) -> Tensor:
        """With a checkpoint or without."""
        if self.reentrant is None:
            return self.part(x)
        return checkpoint(self.part, x, use_reentrant=self.reentrant)


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_module_that_runs_its_forward_again_is_right(reentrant: bool) -> None:
    """Its backward reads the parameters, which have to be those of that call."""
    for check in (check_modules, check_function):
        report = check(
            Checkpointed(reentrant), Checkpointed(None), x, ways=["two forwards", "redrawn"], order=1
        )
        assert report.agrees, report


class Scaled(nn.Module):
    """Two parameters of one shape, by a Function that may forget one."""

    def __init__(self, factor: float) -> None:
        """Gain and offset."""
        super().__init__()
        self.gain, self.offset = (nn.Parameter(row.clone()) for row in weight)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """An offset whose gradient is off by the factor, where its value is not."""
        offset = self.offset * self.factor
        return x * self.gain + offset + (self.offset - offset).detach()


@pytest.mark.medium(1)
@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_one_tensor_given_for_two_parameters_ties_none_in_later_calls(factor: float) -> None:
    """What comes after that way is called with each its own again."""
    ways = ["one tensor twice", "accumulated", "redrawn"]
    for check in (check_modules, check_function):
        report = check(Scaled(factor), Scaled(1.0), x, ways=ways, order=1)
        assert report.agrees == (factor == 1), report
        assert factor != 1 or {status for _, status in report.ways} == {"agrees"}, report.ways


def test_parameters_that_are_too_many_to_move_are_named() -> None:
    """Without a reference 403 numbers are not judged, which the report says; 399 are."""
    for wide, judged in ((99, True), (100, False)):
        module = nn.Linear(wide, 3)
        report = check_function(module, None, torch.randn(1, wide, generator=draws), ways=[], order=1)
        assert report.agrees, report
        assert ("inputs['parameters']['weight']" in str(report.to_dict())) == judged
        assert ("not judged: the parameters (weight, bias), 303 numbers" in str(report)) != judged


class Sets(nn.Module):
    """Puts its own parameter in its place, which torch allows of a parameter only."""

    def __init__(self, sets: bool) -> None:
        """One gain."""
        super().__init__()
        self.gain, self.sets = nn.Parameter(weight[0].clone()), sets

    def forward(self, x: Tensor) -> Tensor:
        """As code does that exchanges weights for a call."""
        if self.sets:
            self.gain = self.gain
        return x * self.gain


def test_what_stands_for_a_parameter_is_one() -> None:
    """Given to the module that is judged, and asked by isinstance."""
    for check in (check_modules, check_function):
        report = check(Sets(True), Sets(False), x, ways=["kinds of inputs", "transposed"], order=1)
        assert report.agrees, report
