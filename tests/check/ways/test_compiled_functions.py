"""A compiled function is judged as it was compiled, in every way of calling, and seen as it was written."""

from shutil import which
from types import FunctionType
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from torch_reference import check_function, check_modules

draws = torch.Generator().manual_seed(0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # dynamo reads it of every input
def test_no_call_of_a_compiled_function_runs_as_it_was_written() -> None:
    """Torch compiles it anew for each layout, and at 8 gives up without a word: the check raises that limit.

    Where the check looks at single operations, nothing is compiled: dynamo would trace the check itself.
    """
    seen = []

    def doubled(x: Tensor) -> Tensor:
        if not torch.compiler.is_compiling():
            seen.append(type(_get_current_dispatch_mode()).__name__)
        return x * 2

    torch.compiler.reset()
    try:
        compiled = torch.compile(doubled, backend="eager", dynamic=False)
        report = check_function(compiled, compiled, torch.randn(3, 4, 2, 2, generator=draws))
        assert report.agrees, str(report)
    finally:
        torch.compiler.reset()
    assert set(seen) == {"ExactRun", "Indexing", "MovedRun"}


@pytest.mark.slow
@pytest.mark.skipif(which("g++") is None, reason="nothing to compile with")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # dynamo reads it of every input
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`")  # inductor's own
def test_what_a_compiler_makes_of_a_negated_view_is_a_warning() -> None:
    """Inductor hands a product's memory on as it is; who compiles a model cannot mend that."""
    layer = torch.nn.Linear(3, 2)
    torch.compiler.reset()
    try:
        x = torch.randn(4, 3, generator=draws)
        report = check_modules(torch.compile(layer), layer, x, ways=["negative views"], order=1)
    finally:
        torch.compiler.reset()
    assert report.agrees, str(report)
    assert "warning: with negative views as inputs" in str(report)


@pytest.mark.slow
@pytest.mark.skipif(which("g++") is None, reason="nothing to compile with")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # dynamo reads it of every input
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`")  # inductor's own
def test_after_torch_func_it_is_called_in_no_mode() -> None:
    """What was compiled under torch.func is NaN in a mode around it (torch 2.13): a norm was so elsewhere."""

    def norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(x.dtype) * gain

    x, gain = torch.randn(8, 6, generator=draws), torch.rand(6, generator=draws) + 0.5
    torch.compiler.reset()
    try:
        compiled = torch.compile(norm)
        report = check_function(compiled, norm, x, gain, ways=["torch.func", "redrawn"], order=1, draws=0)
    finally:
        torch.compiler.reset()
    assert report.agrees, report
    assert dict(report.ways) == {"torch.func": "agrees", "redrawn": "agrees"}


class Unsigned(torch.autograd.Function):
    """Twice what stands in its memory."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * (torch._neg_view(x) if x.is_neg() else x)

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> Tensor:
        return 2 * above


@pytest.mark.parametrize(("room", "status"), [("torch._inductor.made", "warns"), (__name__, "fails")])
def test_a_sign_that_is_not_read_is_a_warning_of_what_is_compiled_alone(room: str, status: str) -> None:
    made = FunctionType(unsigned.__code__, {**globals(), "__name__": room})
    x = torch.randn(3, 4, generator=draws)
    report = check_function(made, lambda x: 2 * x, x, ways=["negative views"], order=1, draws=0)
    assert report.ways == (("negative views", status),)


def unsigned(x: Tensor) -> Tensor:
    return Unsigned.apply(x)
