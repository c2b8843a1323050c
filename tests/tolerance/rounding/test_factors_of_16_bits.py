"""A reference that works in float32 inside, and a kernel that hands factors to a matrix unit in 16 bits."""

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.tolerance.rounding.moved_arguments import handed_to_matrix_units
from torch_reference.tolerance.rounding.operations import operation
from torch_reference.tolerance.rounding.roundings import SPREAD, Roundings


def randn(*shape: int, dtype: torch.dtype, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def reference(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention, as tests of kernels have it: in float32, and rounded at the end."""
    return (torch.softmax(q.float() @ k.float().mT, -1) @ v.float()).to(q.dtype)


def forward(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    weights = torch.softmax(q.float() @ k.float().mT, -1)
    out = (weights.to(v.dtype).float() @ v.float()).to(q.dtype)
    return out, (q, k, v, weights)


def backward(saved: tuple[Tensor, ...], above: Tensor, factor: float = 1.0) -> tuple[Tensor, ...]:
    q, k, v, weights = saved
    d_weights = above.float() @ v.float().mT
    d_scores = weights * (d_weights - (d_weights * weights).sum(-1, keepdim=True))
    handed, wide = d_scores.to(q.dtype).float() * factor, above.float()
    d_v = weights.to(v.dtype).float().mT @ wide
    return tuple(each.to(q.dtype) for each in (handed @ k.float(), handed.mT @ q.float(), d_v))


@pytest.mark.medium
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_weights_of_an_attention_are_handed_on_in_16_bits(dtype: torch.dtype) -> None:
    inputs = tuple(randn(64, 32, dtype=dtype, seed=seed) for seed in range(3))
    report = check_function((forward, backward), reference, *inputs, ways=[], order=1)
    assert report, str(report)

    def wrong(saved: tuple[Tensor, ...], above: Tensor) -> tuple[Tensor, ...]:
        return backward(saved, above, 1.01)

    report = check_function((forward, wrong), reference, *inputs, ways=[], order=1, draws=0)
    assert [each.name for each in report.findings if not each.agrees] == ["inputs[0]", "inputs[1]"]


def test_a_factor_is_moved_by_half_a_unit_in_the_last_place_and_what_is_added_is_not() -> None:
    added, left, right = (
        randn(64, dtype=torch.float32, seed=0),
        *(randn(64, 64, dtype=torch.float32, seed=seed) for seed in (1, 2)),
    )
    args = (added, left, right.bfloat16().float())
    addmm = operation(torch.ops.aten.addmm.default)
    same, moved, short = handed_to_matrix_units(addmm, args, Roundings(0), torch.bfloat16)
    assert same is added
    assert short is args[2]
    half = torch.finfo(torch.bfloat16).eps / 2
    typical = ((moved - left) / left).square().mean().sqrt() / (SPREAD * half)
    assert 0.8 < typical < 1.25
