"""What blocks of rows add up to is what all rows do."""

import pytest
import torch

from torch_reference.tolerance.rows.blocks import added_up


@pytest.mark.parametrize("shape", [(6,), (6, 3), (6, 3, 2)])
def test_weighted_rows_add_up_as_a_sum_over_them_does(shape: tuple[int, ...]) -> None:
    """Whatever their shape is, by one number for each row, or by several."""
    block = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = torch.arange(12.0, dtype=torch.float64).view(2, 6)
    both = torch.stack([(row.view(-1, *(1,) * (block.ndim - 1)) * block).sum(0) for row in weights])
    torch.testing.assert_close(added_up(weights, block), both)
    torch.testing.assert_close(added_up(weights[1], block), both[1])
