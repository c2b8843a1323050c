"""Work on another stream: right where each waits for the other, wrong where somebody does not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import Function

from on_gpu import on_gpu
from torch_reference import check_function

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def elsewhere(work: Callable[[Tensor], Any], like: Tensor, begins: bool = True, ends: bool = True) -> Tensor:
    """What work writes on another stream, which waits at its beginning, and is waited for at its end."""
    out, here, there = torch.zeros_like(like), torch.cuda.current_stream(), other_stream()
    if begins:
        there.wait_stream(here)
    with torch.cuda.stream(there):
        work(out)
    if ends:
        here.wait_stream(there)
    return out


def other_stream() -> Any:
    """One for all calls: memory of a new one would have to be reserved, and the GPU waits for that."""
    if not _streams:
        _streams.append(torch.cuda.Stream())
    return _streams[0]


_streams: list[Any] = []


def exponential(begins: bool = True, ends: bool = True) -> type[Function]:
    """The exponential, whose backward multiplies on another stream."""

    class Exp(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(y := x.exp())
            return y

        @staticmethod
        def backward(ctx: Any, above: Tensor) -> Tensor:  # type: ignore[override]
            (y,) = ctx.saved_tensors

            def work(out: Tensor) -> None:
                for _ in range(20):
                    torch.mul(above, y, out=out)

            return elsewhere(work, y, begins, ends)

    return Exp


def test_streams_that_wait_for_each_other_are_right() -> None:
    """As torch's documentation asks for it."""
    report = check_function(exponential(), torch.exp, on_gpu(256, 512, dtype=torch.float32))
    assert report.agrees, str(report)


@pytest.mark.parametrize("wait", ["begins", "ends"])
def test_a_stream_that_does_not_wait_is_found(wait: str) -> None:
    """It is right in a check that waits for each call, and wrong in a training."""
    report = check_function(exponential(**{wait: False}), torch.exp, on_gpu(256, 512, dtype=torch.float32))
    assert not report.agrees, str(report)
    assert "on a GPU that is behind its calls" in str(report), str(report)
