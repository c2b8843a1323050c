"""When two gradients are alike, and what a wrong one is like.

Alike to half of their digits, and where elements cancel to roundings of the largest; what a wrong link looks
like is told only where its values could show that it looks otherwise.
"""

import pytest
import torch

from torch_reference.diagnosis.likeness import likeness
from torch_reference.diagnosis.random_draws import alike

UPSTREAM = torch.tensor([0.3, -1.2, 0.7, 2.1, -0.4], dtype=torch.float64)


def test_at_zeros_and_ones_no_factor_is_told() -> None:
    """5 x for 3 x² is 5/3 of it there, and nowhere else."""
    x = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0], dtype=torch.float64)
    assert likeness(UPSTREAM * 5 * x, UPSTREAM * 3 * x**2, x) is None
    assert likeness(UPSTREAM * 6 * x, UPSTREAM * 3 * x**2, x) is None


def test_at_other_values_a_factor_is_told() -> None:
    """The same one for all."""
    x = torch.tensor([0.5, -1.5, 1.0, 0.0, 2.5], dtype=torch.float64)
    told = likeness(UPSTREAM * 5 * x, UPSTREAM * 3 * x, x)
    assert told is not None
    assert told.kind == "constant factor"


def test_a_missing_sum_is_told_at_any_values() -> None:
    """Its shape tells."""
    terms = UPSTREAM[:, None] * torch.ones(5, 3, dtype=torch.float64)
    told = likeness(terms, terms.sum(0), torch.zeros(3, dtype=torch.float64))
    assert told is not None
    assert told.kind == "missing sum"


def test_a_mask_is_told_where_something_is_zero_alone() -> None:
    """What is off by a little everywhere, as by a 1e-9 in a denominator, is right at no element less."""
    x = torch.linspace(0.5, 2.5, 5, dtype=torch.float64)
    assert likeness(UPSTREAM / (x + 1e-9), UPSTREAM / x, x) is None
    told = likeness(UPSTREAM / x * (x > 1), UPSTREAM / x, x)
    assert told is not None
    assert told.kind == "mask"


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
