"""No rounding leaves a result where it is: what cancels to nothing then has a bound in every draw."""

import pytest
import torch
from torch.nn import functional

from torch_reference.comparison import compare
from torch_reference.tolerance.movement import expected_and_bounds
from torch_reference.tolerance.rounding.roundings import Roundings

FLOATS = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", FLOATS)
def test_numbers_low_in_their_binade_move_too(dtype: torch.dtype) -> None:
    """1's neighbours lie 2 u above and u below; so do those of -1 and of every power of two."""
    for seed in range(8):
        numbers = torch.tensor([1.0, -1.0, 2.0, 0.5, 1 + 2**-20], dtype=dtype).repeat(200)
        moved = numbers.clone()
        Roundings(seed).move(moved, torch.finfo(dtype).eps / 2)
        assert bool((moved != numbers).all())


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_derivative_of_gelu_far_out_has_the_bound_of_what_cancels_there(dtype: torch.dtype) -> None:
    """1 + erf(x / √2) is 0 to rounding where φ(x) is 1e-22: torch's own derivative is off by a hundredth."""
    x = torch.linspace(-11, -6, 400, dtype=dtype)

    def derivative(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        leaf = inputs["x"].detach().clone().requires_grad_()
        return {"x": torch.autograd.grad(functional.gelu(leaf).sum(), leaf)[0]}

    wide = x.double()
    density = torch.exp(-wide * wide / 2) / (2 * torch.pi) ** 0.5
    right = torch.special.erfc(-wide / 2**0.5) / 2 + wide * density
    expected, bounds = expected_and_bounds(derivative, {"x": x})
    [row] = compare({"x": right}, expected, bounds)
    assert row.agrees
    [row] = compare({"x": right + torch.finfo(dtype).eps * 20}, expected, bounds)
    assert not row.agrees
