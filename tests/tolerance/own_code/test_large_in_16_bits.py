"""Of a large point in 16 bits, too, what differs is looked at for roundings of the code itself."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function
from torch_reference.tolerance.own_code import in_float64

pytestmark = pytest.mark.medium


def log_sigmoid(factor: float = 1.0) -> tuple[Callable, Callable]:
    """As flash-linear-attention has it: at 20 and more both cancel in float32, and at 40 in float64."""

    def forward(x: Tensor) -> tuple[Tensor, Any]:
        wide = x.float()
        return (wide.clamp(max=0) - (1 + (-wide.abs()).exp()).log()).to(x.dtype), x

    def backward(x: Tensor, above: Tensor) -> Tensor:
        return (factor * above.float() * (1 - torch.sigmoid(x.float()))).to(x.dtype)

    return forward, backward


def verdicts(pair: Any, x: Tensor) -> list[str]:
    """What is said of the output and of the gradient."""

    def reference(x: Tensor) -> Tensor:
        return functional.logsigmoid(x.float()).to(x.dtype)

    report = check_function(pair, reference, x, ways=[], order=1, draws=0)
    return [finding.row.verdict.value for finding in report.findings]


def test_a_right_formula_that_cancels_and_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was called wrong above 2^15 numbers; the wrong one is not made again with roundings at all."""
    x = torch.linspace(-30, 60, 2**15 + 64, dtype=torch.float64).bfloat16().view(-1, 64)
    assert verdicts(log_sigmoid(), x) == ["agrees", "agrees"]
    moved = []
    found = in_float64.noise_of_float64
    monkeypatch.setattr(in_float64, "noise_of_float64", lambda *a: moved.append(a[0]) or found(*a))
    assert verdicts(log_sigmoid(1.01), x) == ["agrees", "differs"]
    assert moved == [["outputs[0]"]]
