"""Another way of calling is looked at coarsely first, and a small element's mistake is none that it hides."""

import pytest
import torch
from torch import Tensor

from autograd_functions import function
from torch_reference import check_function


def cubed(ctx, x: Tensor) -> Tensor:
    """The third power."""
    ctx.x = x
    return x**3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("factor", [-1.0, 1.1])
def test_a_mistake_in_a_small_element_is_refused_in_another_way_of_calling(
    factor: float, dtype: torch.dtype
) -> None:
    """It is a tenth of a rounding of the largest element, and as wrong as any."""
    x = torch.tensor([[3.0, -1.2, 2.1], [0.7, 1.9, -2.6]], dtype=dtype)
    x[1, 1] = (torch.finfo(dtype).eps / 20) ** 0.5

    def wrong_in_columns(ctx, d_y: Tensor) -> Tensor:
        d_x = 3 * ctx.x**2 * d_y
        if not d_y.is_contiguous():
            d_x[1, 1] *= factor
        return d_x

    report = check_function(
        function(cubed, wrong_in_columns), lambda x: x**3, x, ways=["transposed"], order=1, draws=0
    )
    assert report.note == "with transposed upstream gradients", str(report)
    assert report.first_wrong.row.index == (1, 1)
