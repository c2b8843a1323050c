"""A whole number of another sign may be of another kind, which a function need not have in mind."""

from typing import Any

import pytest
import torch
from torch import Tensor

from torch_reference import check_function


class Embedding(torch.autograd.Function):
    """Rows of a table, as kernels have them: one row's gradient is none, by its number."""

    @staticmethod
    def forward(ctx: Any, indices: Tensor, table: Tensor, padding_index: int) -> Tensor:
        """Rows of the table."""
        ctx.save_for_backward(indices, table)
        ctx.padding_index = padding_index
        return table[indices]

    @staticmethod
    def backward(ctx: Any, d_rows: Tensor) -> tuple[None, Tensor, None]:  # type: ignore[override]
        """What is looked up adds up, but for the padding."""
        indices, table = ctx.saved_tensors
        kept = d_rows * (indices != ctx.padding_index)[:, None]
        return None, torch.zeros_like(table).index_add(0, indices, kept), None


@pytest.mark.parametrize("padding_index", [0, 3])
def test_a_negative_number_in_place_of_another_is_not_meant_by_all(padding_index: int) -> None:
    """torch counts a padding index of -2 from the end; a kernel never meets it, and need not."""
    indices, table = torch.tensor([4, 3, 0, 2, 4]), torch.randn(5, 3, dtype=torch.float64)
    report = check_function(
        Embedding, torch.nn.functional.embedding, indices, table, padding_index, ways=["options"], order=1
    )
    assert report.agrees, report
