"""An index of nothing."""

from typing import Any

import torch
from torch import Tensor

from torch_reference import check_function

x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_there_may_be_no_index() -> None:
    """A gradient of what was taken, not of what was given."""

    class Put(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, index: Tensor, source: Tensor) -> Tensor:
            ctx.save_for_backward(index)
            return put(x, index, source)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, Tensor]:
            (index,) = ctx.saved_tensors
            return g.index_fill(0, index, 0), None, g[index]

    def put(x: Tensor, index: Tensor, source: Tensor) -> Tensor:
        return x.index_put((index,), source[: len(index)])

    report = check_function(
        Put, put, x, torch.tensor([0, 3]), x[:2].cos(), ways=["repeated indices"], order=1
    )
    assert report.agrees
    assert "without an index in inputs[1]" in report.warnings[0]
