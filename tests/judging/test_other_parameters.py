"""At other parameters than those given a derivation is looked at, too."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_derivation
from torch_reference.tolerance.movement import Movement


def test_at_other_parameters_what_is_near_is_not_looked_at_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gave them; what is wrong there is wrong by more."""
    torch.manual_seed(0)
    model, drawn, draw = nn.Linear(3, 1).double(), [], Movement.draw

    def counted(self: Movement, seed: int) -> None:
        drawn.append(torch.equal(self.inputs["weight"], model.weight))
        draw(self, seed)

    def derivation(p: Mapping[str, Tensor], x: Tensor, t: Tensor) -> dict[str, Tensor]:
        above = 2 * (x @ p["weight"].T + p["bias"] - t)
        return {"weight": above.T @ x, "bias": above.sum(0)}

    monkeypatch.setattr(Movement, "draw", counted)
    data = torch.rand(4, 3).double(), torch.full((4, 1), 100.0).double()
    assert check_derivation(model, nn.MSELoss(reduction="sum"), *data, derivation).agrees
    assert drawn
    assert all(drawn)
