"""Networks that draw from a generator of their own, in a submodule or a list: a copy draws what they draw."""

import copy

import pytest
import torch
from torch import Tensor, nn

from torch_reference import check_derivation, check_function, check_modules

x, targets = (torch.linspace(0.1, 2, 12, dtype=torch.float64).view(4, 3).roll(shift) for shift in (0, 5))


class Noise(nn.Module):
    """A factor for each number, drawn anew in each call."""

    factor = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.generators = [torch.Generator().manual_seed(3)]

    def forward(self, x: Tensor) -> Tensor:
        """The numbers, each times its own."""
        drawn = torch.rand(x.shape, generator=self.generators[0], dtype=x.dtype)
        return x * drawn * self.factor


def network() -> nn.Sequential:
    """Noise, and a layer with parameters, so that the check copies it."""
    return nn.Sequential(Noise(), nn.Linear(3, 2)).double()


QUICKLY = {"ways": ["redrawn"], "order": 1, "draws": 0}


@pytest.mark.medium
def test_a_copy_with_a_generator_of_its_own_agrees_and_another_factor_does_not() -> None:
    """Each generator stands afterwards where it stood."""
    mine = network()
    reference = copy.deepcopy(mine)
    before = [each[0].generators[0].get_state() for each in (mine, reference)]
    assert check_modules(mine, reference, x, **QUICKLY)
    mine[0].factor = 1.01
    assert "first submodule that differs" in str(check_modules(mine, reference, x, **QUICKLY))
    after = [each[0].generators[0].get_state() for each in (mine, reference)]
    assert all(map(torch.equal, before, after))


@pytest.mark.medium
def test_it_is_judged_beside_itself_and_behind_a_function() -> None:
    """As one module, as a function that knows it by name, and as one that knows a list of generators."""
    module = network()
    assert check_function(module, module, x, **QUICKLY)
    assert check_function(lambda x: module(x), lambda x: module(x), x, **QUICKLY)
    generators = {"noise": (torch.Generator().manual_seed(1),)}

    def noise(x: Tensor) -> Tensor:
        return x * torch.rand(x.shape, generator=generators["noise"][0], dtype=x.dtype)

    assert check_function(noise, noise, x, **QUICKLY)
    assert not check_function(lambda x: noise(x) + 1e-9 * x.detach() * x, noise, x, **QUICKLY)


def test_no_generator_of_a_gpu_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would put it back; of one that is not in use yet torch keeps the seed for its first."""
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    module = nn.Sequential(nn.Dropout(), nn.Linear(3, 2)).double()
    assert check_function(module, module, x, ways=[], draws=0)
    assert not seeds


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_a_derivation_of_it_is_judged(factor: float) -> None:
    """By the numbers that the model draws at that place."""
    module = network()

    def derivation(parameters: dict[str, Tensor], x: Tensor, targets: Tensor) -> dict[str, Tensor]:
        hidden = x * torch.rand(x.shape, generator=torch.Generator().manual_seed(3), dtype=x.dtype)
        d_outputs = 2 * (hidden @ parameters["1.weight"].T + parameters["1.bias"] - targets[:, :2])
        return {"1.weight": factor * d_outputs.T @ hidden, "1.bias": d_outputs.sum(0)}

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets[:, :2]).square().sum()

    before = module[0].generators[0].get_state()
    report = check_derivation(module, loss, x, targets, derivation, draws=0)
    assert report.agrees == (factor == 1.0), report
    assert torch.equal(module[0].generators[0].get_state(), before)
