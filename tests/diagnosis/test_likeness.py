"""What a wrong link looks like is told only where its values could show that it looks otherwise."""

import torch

from torch_reference.diagnosis.likeness import likeness

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
