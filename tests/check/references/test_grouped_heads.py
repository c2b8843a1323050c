"""Attention whose key and value have fewer heads than its query."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from torch_reference import check_function


def torchs_own(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Torch's own, with two heads of the query to one of the others."""
    return scaled_dot_product_attention(query, key, value, enable_gqa=True)


@pytest.mark.medium(1)
@pytest.mark.parametrize("right", [True, False])
def test_grouped_heads_are_judged(right: bool) -> None:
    """Neighbours share a head: not every other one, as where a repeat is written for a repeat_interleave."""

    def by_hand(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        shared = (each.repeat_interleave(2, 1) if right else each.repeat(1, 2, 1, 1) for each in (key, value))
        key, value = shared
        return torch.softmax(query @ key.mT / 2, -1) @ value

    draws = torch.Generator().manual_seed(0)
    heads = [torch.randn(1, count, 3, 4, generator=draws) for count in (4, 2, 2)]
    report = check_function(by_hand, torchs_own, *heads, ways=[], order=1)
    assert report.agrees == right, report
