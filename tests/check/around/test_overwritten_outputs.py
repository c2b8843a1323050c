"""A backward that works in its saved output is told so: neither its forward nor its gradient is wrong."""

from typing import Any

import numpy as np
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


def batch_norm(x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    normalised = torch.nn.functional.batch_norm(x, None, None, gain.abs() + 1e-5, offset, True)
    return torch.nn.functional.leaky_relu(normalised)


def in_place_batch_norm(factor: float) -> Any:
    """Its backward makes the normalised of its output, in it."""

    def forward(ctx: Any, x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        z = batch_norm(x, gain, offset)
        ctx.save_for_backward(z, x.var(0, unbiased=False), gain, offset)
        return z

    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z, variance, gain, offset = ctx.saved_tensors
        size = gain.abs() + 1e-5
        above = torch.where(z < 0, 0.01 * above, above)
        normalised = z.data.copy_(torch.where(z < 0, z / 0.01, z)).sub_(offset).div_(size)
        along = (above * normalised).sum(0)
        d_x = size / (variance + 1e-5).sqrt() * (above - above.mean(0) - normalised * along / len(z))
        return d_x, factor * along * gain.sign(), above.sum(0)

    return function(forward, backward)


@pytest.mark.medium
@pytest.mark.parametrize("order", [1, None])
def test_one_that_is_meant_is_allowed_by_name(order: int | None) -> None:
    """As an in-place activated batch norm: its outputs are judged as they were before the backward."""
    inputs = torch.randn(6, 4, dtype=torch.float64), torch.randn(4).double(), torch.randn(4).double()
    ways = ["two forwards", "backward twice", "accumulated", "redrawn"]
    meant: dict[str, Any] = {"allow": ["output mutated"], "order": order, "ways": ways}
    report = check_function(in_place_batch_norm(1), batch_norm, *inputs, **meant)
    assert report.agrees, report
    assert "cannot apply here: backward twice" in str(report)
    wrong = check_function(in_place_batch_norm(1.01), batch_norm, *inputs, **meant)
    assert [each.name for each in wrong.findings if not each.agrees] == ["inputs[1]"]


@pytest.mark.parametrize("rows", [3, 3000])
def test_a_pair_that_means_it_is_allowed(rows: int) -> None:
    def backward(y: Any, above: Any) -> Any:
        y *= above
        return y.copy() if isinstance(y, np.ndarray) else y.clone()

    x = X.repeat(rows, 4)
    for forward, given in ((torch.exp, x), (np.exp, x.double().numpy())):
        pair = (lambda x, forward=forward: (y := forward(x), y)), backward
        assert check_function(pair, torch.exp, given, ways=[], order=1, allow=["output mutated"]).agrees
        assert told(pair, given, ways=[]) == [("outputs[0]", "output mutated")]


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
