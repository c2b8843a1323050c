"""Two gradients are alike to half of their digits, and where elements cancel to roundings of the largest."""

import pytest
import torch

from torch_reference.diagnosis.random_draws import alike


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_element_that_cancels_may_be_off_by_roundings_of_the_largest(dtype: torch.dtype) -> None:
    """A thousandth of itself; but not by more of them, nor at an element that does not cancel."""
    u = torch.finfo(dtype).eps
    right = torch.tensor([1.0, -2.0, 1e4 * u], dtype=dtype)
    assert alike(right + torch.tensor([0.0, 0.0, 20 * u], dtype=dtype), right)
    assert not alike(right + torch.tensor([0.0, 0.0, 900 * u], dtype=dtype), right)
    assert not alike(right * torch.tensor([1.0, 1.01, 1.0], dtype=dtype), right)


def test_in_16_bits_roundings_of_the_largest_are_no_likeness() -> None:
    """Sixty-four of them are half of it."""
    right = torch.tensor([1.0, -2.0, 0.1], dtype=torch.bfloat16)
    assert not alike(right + torch.tensor([0.0, 0.0, 0.1], dtype=torch.bfloat16), right)


@pytest.mark.parametrize("wrong", [0, 1, 777, 999])
def test_of_many_numbers_each_is_looked_at(wrong: int) -> None:
    """Few are looked at before all; what is near by roundings of the largest is so by those of all."""
    right = torch.linspace(1e-12, 1, 1000, dtype=torch.float64)
    off = right + 1e-14 * (torch.arange(1000) % 2)
    assert alike(off, right)
    off[wrong] += 1e-3
    assert not alike(off, right)
