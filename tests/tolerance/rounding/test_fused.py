"""Fused operations are taken apart as torch takes them apart, whatever is left out on the way."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch._decomp import decomposition_table

from torch_reference.tolerance.rounding.fused import taken_apart

ops = torch.ops.aten
NAMES: dict[Any, tuple[Any, ...]] = {
    ops.gelu.default: (1,),
    ops.gelu_backward.default: (2,),
    ops.glu_backward.default: (1,),
    ops.mish.default: (1,),
    ops.mse_loss.default: (2, 1),
    ops.silu_backward.default: (2,),
    ops.softplus_backward.default: (2, 1.0, 20.0),
    ops.tanh_backward.default: (2,),
}
"""How many tensors each takes first, and what besides."""


@pytest.mark.parametrize(
    "dtypes", [[torch.float64], [torch.float32], [torch.bfloat16], [torch.float32, torch.float64]]
)
@pytest.mark.parametrize("func", NAMES, ids=str)
def test_numbers_are_those_of_torchs_own_decomposition(func: Any, dtypes: list[torch.dtype]) -> None:
    """In each dtype, and where two are mixed."""
    count, *others = NAMES[func]
    draws = torch.Generator().manual_seed(0)
    tensors = [torch.randn(3, 4, generator=draws).to(dtypes[i % len(dtypes)]) for i in range(count)]
    if func is ops.glu_backward.default:
        tensors = [torch.randn(3, 2, generator=draws).to(dtypes[0]), *tensors]
        others = [-1]
    apart = taken_apart(func)
    assert apart is not None
    found, expected = apart(*tensors, *others), decomposition_table[func](*tensors, *others)
    assert isinstance(found, Tensor)
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)
