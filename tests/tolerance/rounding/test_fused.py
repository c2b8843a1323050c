"""Fused operations are taken apart as torch takes them apart, whatever is left out on the way."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch._decomp import decomposition_table

from torch_reference import check_function
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


EXPERTS = torch.tensor([0, 0, 0, 2, 2, 2, 2, 2, 3, 3, 3, 3])


def at_once(x: Tensor, w: Tensor) -> Tensor:
    """As transformers has it of each such layer: how many rows each has is counted in float32."""
    numbers = torch.histc(EXPERTS.float(), bins=4, min=0, max=3)
    return torch._grouped_mm(x, w, offs=torch.cumsum(numbers, 0, dtype=torch.int32))


def one_by_one(x: Tensor, w: Tensor, factor: float = 1.0) -> Tensor:
    """The experts one after another; the factor is one of their weights' gradient."""
    w = w + (factor - 1) * (w - w.detach())
    rows = x.tensor_split([3, 3, 8])
    return torch.cat([own @ weight for own, weight in zip(rows, w, strict=True)])


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_of_experts_are_judged(dtype: torch.dtype) -> None:
    """There was nothing to compare with: the reference was refused where it was made exact."""
    draws = torch.Generator().manual_seed(0)
    x, w = torch.randn(12, 16, generator=draws).to(dtype), torch.randn(4, 16, 8, generator=draws).to(dtype)
    assert check_function(one_by_one, at_once, x, w, ways=[], order=1)
    wrong = check_function(lambda x, w: one_by_one(x, w, 1.1), at_once, x, w, ways=[], order=1, draws=0)
    assert [finding.name for finding in wrong.findings if not finding.agrees] == ["inputs[1]"]
