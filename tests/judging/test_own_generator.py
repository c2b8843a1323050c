"""The check draws no numbers that its user may have drawn: an upstream gradient of x is blind."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from torch_reference import check_function


def of_unit_length(x: Tensor) -> Tensor:
    """Its gradient under an upstream gradient along x is zero."""
    return x / torch.sqrt((x * x).sum(1, keepdim=True))


def backward(x: Tensor, above: Tensor) -> Tensor:
    """The right gradient, with the other sign."""
    y = of_unit_length(x)
    return -(above - y * (above * y).sum(1, keepdim=True)) / torch.sqrt((x * x).sum(1, keepdim=True))


@pytest.mark.medium(2)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("seed", range(5))
def test_the_users_seed_hides_no_mistake(seed: int, dtype: torch.dtype) -> None:
    """torch.manual_seed(0) and one torch.randn are how most calls begin."""
    torch.manual_seed(seed)
    x = torch.randn(6, 9, dtype=torch.float64).to(dtype)
    pair = (lambda x: (of_unit_length(x), x)), backward
    assert not check_function(pair, functional.normalize, x, ways=[]).agrees
