"""A submodule that is called more than once: each of its first calls is judged by itself."""

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_modules


class Capped(nn.Module):
    """A ReLU, which beyond a cap has another slope; a cap of which the reference has none."""

    def __init__(self, cap: float) -> None:
        """So far it is right."""
        super().__init__()
        self.cap = cap

    def forward(self, x: Tensor) -> Tensor:
        """Of what raises an error, which is caught, nothing is known."""
        if x.ndim == 1:
            raise ValueError
        return torch.where(x > self.cap, 0.5 * x, x).relu()


class Twice(nn.Module):
    """The same part for small numbers and then for large ones."""

    def __init__(self, cap: float) -> None:
        """One part."""
        super().__init__()
        self.part = Capped(cap)

    def forward(self, x: Tensor) -> Tensor:
        """Small, none, large."""
        small = self.part(x)
        try:
            self.part(x[0])
        except ValueError:
            return small + self.part(x * 100) ** 2
        return small


@pytest.mark.medium
def test_a_later_call_that_differs_is_named() -> None:
    """Its number is told: the first call is right, and all that the report could say of it."""
    x = torch.rand(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5
    report = check_modules(Twice(10.0), Twice(torch.inf), x, ways=[], order=1, draws=0)
    assert not report
    assert report.first_part.endswith(": part, call 2 (outputs[0], inputs[1])")


def test_with_upstream_gradients_of_the_users_no_submodule_is_looked_for() -> None:
    """They are those of the whole module's outputs."""
    mine, plain = nn.Sequential(nn.Linear(3, 2), nn.Tanh()), nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())
    plain.load_state_dict(mine.state_dict())
    report = check_modules(mine, plain, torch.ones(4, 3), upstream=[torch.ones(4, 2)], order=1, draws=0)
    assert not report
    assert "submodule" not in str(report)
