"""A function that sets the .data of tensors, as one that casts its module in each call does."""

import torch
from torch import nn

from torch_reference import check_function


def test_under_torch_func_it_would_end_the_process() -> None:
    """What a transform made is left in the module, and whoever reads it next has a segmentation fault."""
    linear = nn.Linear(3, 4)

    def cast(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(linear.to(x.dtype)(x))

    def plain(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x @ linear.weight.T + linear.bias)

    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    linear.double()
    report = check_function(cast, plain, x, ways=["torch.func", "spread"], order=1)
    assert report
    assert dict(report.ways) == {"torch.func": "cannot apply", "spread": "agrees"}
    assert dict(check_function(plain, plain, x, ways=["torch.func"], order=1).ways) == {
        "torch.func": "agrees"
    }
