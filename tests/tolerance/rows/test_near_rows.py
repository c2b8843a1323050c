"""What agrees without a look at what moves it."""

import pytest
import torch
from torch import Tensor

from torch_reference.tolerance.agreeing_rows import near_row

EXPECTED = torch.tensor([4.0, 1e-3, -2.0], dtype=torch.float64)


def _off(by: float) -> Tensor:
    return EXPECTED + torch.tensor([0.0, 0.0, by], dtype=torch.float64)


@pytest.mark.parametrize(
    ("roughly", "inside", "outside"), [(None, 6e-15, 9e-15), (0.0, 3e-8, 6e-8), (100.0, 9e-7, 2e-6)]
)
def test_what_is_near_is_within_a_part_of_the_largest(
    roughly: float | None, inside: float, outside: float
) -> None:
    """Sixteen roundings of it, or half of its digits, or of those of what was larger elsewhere."""
    assert near_row("x", _off(inside), EXPECTED, roughly)
    assert near_row("x", _off(outside), EXPECTED, roughly) is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("roughly", [None, 0.0, 1.0])
@pytest.mark.parametrize("largest", [torch.inf, torch.nan])
def test_beside_what_is_no_number_nothing_is_near_but_what_is_the_same(
    largest: float, roughly: float | None, dtype: torch.dtype
) -> None:
    """Half of the digits of infinity are any number."""
    expected = torch.tensor([largest, 1.0], dtype=torch.float64)
    assert near_row("x", torch.tensor([largest, 5.0], dtype=dtype), expected, roughly) is None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_16_bits_only_what_was_rounded_once_is_near(dtype: torch.dtype) -> None:
    """From float32, whose own roundings are those of the largest; not what is off by a last digit of it."""
    exact = torch.randn(4096, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cancelled = exact * torch.where(torch.arange(4096) % 7 == 0, 1e-6, 1.0)
    of_terms = cancelled + 1e-7 * torch.rand(4096, generator=torch.Generator().manual_seed(1)).double()
    rounded = of_terms.to(dtype)
    assert near_row("x", rounded, cancelled)
    for place in (0, 1, 4094):  # the first of which has cancelled
        off = 3 * torch.finfo(dtype).eps * max(float(rounded[place].abs()), 0.01)
        wrong = rounded.index_fill(0, torch.tensor(place), float(rounded[place]) + off)
        assert near_row("x", wrong, cancelled) is None
    assert near_row("x", ((1 + torch.finfo(dtype).eps) * cancelled).to(dtype), cancelled) is None
