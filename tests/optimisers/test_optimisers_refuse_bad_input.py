"""Settings and gradients of which no step can be made are refused in one line each."""

from typing import Any

import pytest
import torch

from manual_backprop.optimisers.table import OPTIMISERS, gradient_descent

ADAMS = ("adam", "adamw")

OURS = ("gradient_descent", *ADAMS)

OUT_OF_RANGE = [
    *((name, {"learning_rate": -1.0}, "learning_rate", "inf", "-1.0") for name in OURS),
    *((name, {"weight_decay": -0.1}, "weight_decay", "inf", "-0.1") for name in OURS),
    ("gradient_descent", {"learning_rate": float("nan")}, "learning_rate", "inf", "nan"),
    ("gradient_descent", {"momentum": -0.5}, "momentum", "inf", "-0.5"),
    *((name, {"betas": (1.0, 0.9)}, "the first beta", "1", "1.0") for name in ADAMS),
    *((name, {"betas": (0.9, 1.0)}, "the second beta", "1", "1.0") for name in ADAMS),
    *((name, {"betas": (0.9, -0.1)}, "the second beta", "1", "-0.1") for name in ADAMS),
    *((name, {"epsilon": -1e-8}, "epsilon", "inf", "-1e-08") for name in ADAMS),
]


@pytest.mark.parametrize(("name", "settings", "what", "below", "found"), OUT_OF_RANGE)
def test_a_setting_out_of_range_is_refused(
    name: str, settings: dict[str, Any], what: str, below: str, found: str
) -> None:
    """The line names the setting, its range and what was found."""
    tensors = {"w": torch.ones(2)}
    with pytest.raises(ValueError, match="must be at least 0") as raised:
        OPTIMISERS[name](tensors, tensors, {}, **settings)
    assert str(raised.value) == f"{what} must be at least 0 and below {below}, found {found}"


@pytest.mark.parametrize(("momentum", "dampening"), [(0.0, 0.0), (0.9, 0.1)])
def test_nesterov_without_momentum_or_with_dampening_is_refused(momentum: float, dampening: float) -> None:
    """As torch has it."""
    tensors = {"w": torch.ones(2)}
    with pytest.raises(ValueError, match="Nesterov") as raised:
        gradient_descent(tensors, tensors, {}, momentum=momentum, dampening=dampening, nesterov=True)
    expected = f"Nesterov needs a momentum and no dampening, found momentum {momentum}, dampening {dampening}"
    assert str(raised.value) == expected


@pytest.mark.parametrize("name", OPTIMISERS)
def test_gradients_that_do_not_fit_are_refused(name: str) -> None:
    """A gradient that would broadcast, or that belongs to no parameter, is an error."""
    with pytest.raises(ValueError, match=r"the gradient of w must have shape \(2,\), found \(1,\)"):
        OPTIMISERS[name]({"w": torch.ones(2)}, {"w": torch.ones(1)}, {})
    with pytest.raises(ValueError, match="unknown parameter 'v': the known ones are w"):
        OPTIMISERS[name]({"w": torch.ones(2)}, {"v": torch.ones(2)}, {})
    with pytest.raises(TypeError, match=r"the gradient of w must have the dtype of w, torch\.float32"):
        OPTIMISERS[name]({"w": torch.ones(2)}, {"w": torch.ones(2, dtype=torch.float64)}, {})
