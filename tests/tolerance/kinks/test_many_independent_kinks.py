"""Of many kinks a sum may take all to one side, as no side that is drawn at random does."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from torch_reference import check_function
from torch_reference.tolerance.gradient_sums import ALL, ALONG
from torch_reference.tolerance.kinks.beside import Side
from torch_reference.tolerance.kinks.hulls import hulls
from torch_reference.tolerance.kinks.sides import sides
from torch_reference.tolerance.movement import Movement

TIES, SUM_BOUND = 1000, 200.0


class _Given(Movement):
    """Of this all is given; the bound of a sum is larger than what sides at random make of it."""

    def __init__(self, gradient: Tensor) -> None:
        super().__init__(lambda values: {"x": gradient}, {"x": torch.ones_like(gradient)})

    def bound(self, name: str) -> Tensor:
        return torch.full_like(self.expected[name], 1e-3)

    def sum_bounds(self, name: str) -> dict[str, Tensor]:
        return {which: torch.tensor(SUM_BOUND, dtype=torch.float64) for which in (ALL, ALONG)}


def _total(turn_together: bool) -> tuple[float, float]:
    """The ends of the sum of many elements, each of which is 1 lower or higher on either side of a pair."""
    here, others = torch.ones(TIES, dtype=torch.float64), []
    for seed in range(3):
        signs = torch.randn(TIES, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).sign()
        if turn_together:  # as the two numbers that a maximum is split among
            signs[1::2] = -signs[::2]
        others += [Side(_Given(here + signs)), Side(_Given(here - signs))]
    hull = hulls(_Given(here), others, "x")[1][ALL]
    return float(hull.lower), float(hull.upper)


def test_a_sum_of_many_kinks_that_turn_by_themselves_reaches_as_far_as_its_elements() -> None:
    """At random they make √1000 of it, which is less than its bound; but each may be on the same side."""
    assert _total(turn_together=False) == (-TIES, TIES)


def test_a_sum_whose_elements_turn_together_stays() -> None:
    """What one gets the other does not, however many there are."""
    assert _total(turn_together=True) == (0.0, 0.0)


def test_sides_beside_the_point_make_other_choices_than_those_that_are_held() -> None:
    """Four pairs of each tell eight things of 24 kinks, where both draw what is moved to which side."""

    def reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaf = values["x"].detach().requires_grad_()
        return {"x": torch.autograd.grad((leaf - values["y"]).abs().sum(), leaf)[0]}

    x = torch.arange(1.0, 25.0, dtype=torch.bfloat16)
    here = Movement(reference, {"x": x, "y": x.clone()})
    changes = torch.stack([side.movement.expected["x"] for side in sides(here)[:16]])
    assert torch.linalg.matrix_rank(changes) == 8


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("factor", [1.0, 1.05])
def test_a_loss_with_many_ties_has_any_slope_at_them(dtype: torch.dtype, factor: float) -> None:
    """|a − b| with a slope of 1 at a tenth of all numbers."""
    torch.manual_seed(0)
    a, b = (((4 * torch.randn(256, 512)).round() / 4).to(dtype) for _ in range(2))

    def backward(saved: tuple[Tensor, Tensor], upstream: Tensor) -> tuple[Tensor, None]:
        slope = torch.where(saved[0] >= saved[1], factor, -factor)
        return (slope * upstream.float() / slope.numel()).to(dtype), None

    pair = lambda a, b: ((a.float() - b.float()).abs().mean().to(dtype), (a, b)), backward
    found = check_function(pair, lambda a, b: (a - b).abs().mean(), a, b, wrt=[0], ways=[])
    assert found.agrees == (factor == 1.0)
