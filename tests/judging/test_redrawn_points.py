"""The random points at which a diagnosis must hold: near the task's own, and told apart by their rows."""

import pytest
import torch
from torch import nn

from torch_reference.judging.derivation_task import Task, redrawn, redrawn_parameters
from torch_reference.judging.network_task import network_task

SEEDS = pytest.mark.parametrize("seed", range(6))


def task() -> Task:
    """Inputs that number their rows, with a mask of 0 and 1, classes and targets; a bias of zero."""
    model = nn.Linear(3, 2).double()
    with torch.no_grad():
        model.bias.zero_()
    rows = torch.arange(2.0, 7.0, dtype=torch.float64)
    mask = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    inputs = torch.stack([rows, -rows, mask], 1)
    targets = torch.stack([rows, mask], 1)
    return network_task(model, lambda out, t: ((t - out) ** 2).sum(), inputs, targets, lambda *_: {})


@SEEDS
def test_rows_are_drawn_with_repetition_and_one_more_in_odd_draws(seed: int) -> None:
    """Inputs and targets keep together, and targets their values; a factor n is told from a factor 2."""
    own = task()
    point = redrawn(own, seed)
    assert len(point["inputs"]) == len(point["targets"]) == 5 + seed % 2
    drawn = point["targets"][:, 0]
    assert set(drawn.tolist()) <= {2.0, 3.0, 4.0, 5.0, 6.0}
    # The row that a target names is the row that its input was drawn from: its mask is that row's.
    mask = dict(zip(own.point["targets"][:, 0].tolist(), own.point["inputs"][:, 2].tolist(), strict=True))
    assert point["inputs"][:, 2].tolist() == [mask[row] for row in drawn.tolist()]
    assert point["targets"][:, 1].tolist() == [mask[row] for row in drawn.tolist()]


def test_every_row_is_drawn_by_some_seed() -> None:
    """The first and the last as well, and no draw is the data as they were."""
    drawn = [tuple(redrawn(task(), seed)["targets"][:, 0].tolist()) for seed in range(12)]
    assert {row for rows in drawn for row in rows} == {2.0, 3.0, 4.0, 5.0, 6.0}
    assert len(set(drawn)) == 12


@SEEDS
def test_inputs_are_scaled_around_1_and_a_mask_stays_one(seed: int) -> None:
    """Size and sign stay; 0 and 1 are exactly kept; every other number changes, each by its own factor."""
    point = redrawn(task(), seed)
    own = point["targets"][:, 0]
    factors = torch.cat([point["inputs"][:, 0] / own, point["inputs"][:, 1] / -own])
    assert len(set(factors.tolist())) == len(factors)
    # exp(0.4 z): five standard deviations.
    assert (factors.log().abs() < 2).all()
    assert set(point["inputs"][:, 2].tolist()) <= {0.0, 1.0}


@SEEDS
def test_parameters_are_scaled_and_those_of_zero_drawn_anew(seed: int) -> None:
    """A start at b = 0 hides mistakes."""
    own = task()
    point = redrawn(own, seed)
    factors = (point["weight"] / own.point["weight"]).flatten()
    assert len(set(factors.tolist())) == 6
    assert (factors.log().abs() < 2).all()
    assert (point["bias"] != 0).all()
    assert (point["bias"].abs() < 2.5).all()
    for name, value in redrawn_parameters(own, seed).items():
        assert torch.equal(value, point[name] if name in own.parameters else own.point[name]), name


@SEEDS
def test_the_same_seed_is_the_same_point_and_the_task_keeps_its_own(seed: int) -> None:
    """Nothing is drawn from torch's own generator, and nothing changed in place."""
    own = task()
    before, state = {name: value.clone() for name, value in own.point.items()}, torch.get_rng_state()
    one, two = redrawn(own, seed), redrawn(own, seed)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert all(torch.equal(own.point[name], before[name]) for name in before)
    assert torch.equal(torch.get_rng_state(), state)


def test_tensors_of_different_lengths_have_no_rows() -> None:
    """Nothing says which of them belong together: their numbers are scaled, their rows kept."""
    model = nn.Bilinear(2, 2, 1).double()
    inputs = torch.full((3, 2), 2.0).double(), torch.full((3, 2), 3.0).double()
    own = network_task(model, lambda out, t: (out.sum() - t) ** 2, inputs, torch.tensor(1.5), lambda *_: {})
    point = redrawn(own, 1)
    assert own.batch(own.point) == 1
    assert point["inputs[0]"].shape == point["inputs[1]"].shape == (3, 2)
    assert (point["inputs[0]"] != 2).all()
    assert point["targets"] == 1.5
