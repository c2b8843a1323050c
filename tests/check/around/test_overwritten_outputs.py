"""A backward that works in its saved output is told so: neither its forward nor its gradient is wrong."""

from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_functions import function
from torch_reference import check_function
from torch_reference.check.around.overwritten import overwritten
from torch_reference.judging.calls.raised_errors import UserCodeError

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


def forward(ctx: Any, x: Tensor) -> Tensor:
    y = x.exp()
    ctx.save_for_backward(y)
    return y


def into_it(y: Tensor, above: Tensor) -> Tensor:
    """The gradient is the output then, and requires one."""
    return y.mul_(above)


def after_it(y: Tensor, above: Tensor) -> Tensor:
    """Nothing of the gradient tells, nor does the version of the output."""
    made = y * above
    y.detach().numpy()[...] = 0
    return made


def told(of: Any, x: Tensor, **options: Any) -> list[tuple[str, str]]:
    """The names and verdicts of what is wrong."""
    report = check_function(of, torch.exp, x, order=1, **options)
    return [(each.name, each.row.verdict.value) for each in report.findings if not each.agrees]


@pytest.mark.parametrize("derive", [into_it, after_it])
def test_an_output_that_the_backward_changes_is_told(derive: Any) -> None:
    """It was a gradient that requires grad, or an output that differs under an upstream gradient of zero."""
    own = function(forward, lambda ctx, above: derive(*ctx.saved_tensors, above))
    assert told(own, X) == [("outputs[0]", "output mutated")]


def test_it_is_told_of_a_large_one_and_of_a_pair() -> None:
    def backward(y: Tensor, above: Tensor) -> Tensor:
        return y.mul_(above).clone()

    large = X.expand(3000, 3, 4).contiguous()
    pair = (lambda x: (y := x.exp(), y)), backward
    assert told(pair, large, ways=[]) == [("outputs[0]", "output mutated")]


def test_an_output_that_is_another_in_every_call_is_changed_by_no_backward() -> None:
    calls: list[int] = []

    def own(x: Tensor) -> Tensor:
        calls.append(1)
        return x.exp() * (1 + len(calls) // 2)

    assert ("outputs[0]", "output mutated") not in told(own, X, ways=[])


@pytest.mark.medium
@pytest.mark.parametrize("others", [1, 2, 3])
def test_an_output_of_the_first_calls_alone_is_changed_by_no_backward(others: int) -> None:
    """Of a large one, whose outputs are judged after the backward."""
    calls: list[int] = []

    def own(x: Tensor) -> Tensor:
        calls.append(1)
        return x.exp() * (2 if len(calls) <= others else 1)

    wrong = told(own, X.expand(3000, 3, 4).contiguous(), draws=0)
    assert ("outputs[0]", "output mutated") not in wrong


def test_a_forward_that_takes_no_further_call_tells_nothing() -> None:
    """Its error is no end of the check."""

    def forward() -> Any:
        raise UserCodeError("forward", RuntimeError("no more"))

    assert not overwritten(forward, {"outputs[0]": X}, {"outputs[0]": -X})
    assert overwritten(lambda: {"outputs[0]": X}, None, {"outputs[0]": -X})
