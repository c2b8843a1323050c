"""Directions and settings of which nothing can be made are refused in one line each."""

import math

import pytest
import torch

from manual_backprop.training.sharpness import (
    difference_step,
    hessian_vector_product,
    largest_eigenvalue,
)
from quadratics import generator


@pytest.mark.parametrize(("length", "found"), [(0.0, "0.0"), (math.inf, "inf"), (math.nan, "nan")])
def test_a_direction_without_a_length_is_refused(length: float, found: str) -> None:
    """In one line."""
    with pytest.raises(ValueError, match="direction") as raised:
        difference_step({"a": torch.ones(2)}, {"a": torch.tensor([length, 0.0])})
    assert str(raised.value) == f"the direction must have a length above 0 and below inf, found {found}"


def test_a_direction_of_another_shape_is_refused() -> None:
    """It would broadcast."""
    with pytest.raises(ValueError, match="direction") as raised:
        hessian_vector_product(dict, {"a": torch.ones(2)}, {"a": torch.ones(1)})
    assert str(raised.value) == "the direction of a must have shape (2,), found (1,)"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"tolerance": -1e-3}, "tolerance must be at least 0 and below inf, found -0.001"),
        ({"tolerance": math.nan}, "tolerance must be at least 0 and below inf, found nan"),
        ({"max_products": 0}, "max_products must be at least 1 and below inf, found 0"),
    ],
)
def test_a_senseless_setting_is_refused(setting: dict[str, float], message: str) -> None:
    """Before anything is computed."""
    with pytest.raises(ValueError, match="must be at least") as raised:
        largest_eigenvalue(dict, {"a": torch.ones(2)}, generator(), **setting)
    assert str(raised.value) == message
