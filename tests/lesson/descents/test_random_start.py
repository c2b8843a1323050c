"""A random start: weights from the standard normal distribution, biases 0, one start for each seed."""

import torch

from manual_backprop import PARAMETERS, lesson
from manual_backprop.lesson.descent import initial_parameters


def test_a_random_start_is_the_lessons_kind_of_start() -> None:
    """Weights of wrt are drawn, its biases are 0, the frozen parameters are the lesson's."""
    start = initial_parameters(seed=1)
    assert start["b3"].item() == 0
    assert [start[name].item() for name in PARAMETERS[:4]] == [lesson.START[name] for name in PARAMETERS[:4]]
    assert start["w3"].item() != start["w4"].item()
    many = torch.stack([initial_parameters(seed)["w3"] for seed in range(1000)])
    # Standard normal: the mean of 1000 has deviation 0.032, their deviation one of 0.022; five of each.
    assert abs(many.mean()) < 0.16
    assert abs(many.std() - 1) < 0.11


def test_a_seed_means_one_start() -> None:
    """Whatever the choice of parameters and the dtype."""
    start = initial_parameters(7)
    assert torch.equal(initial_parameters(7)["w3"], start["w3"])
    assert torch.equal(initial_parameters(7, PARAMETERS)["w3"], start["w3"])
    assert torch.equal(initial_parameters(7, dtype=torch.float32)["w4"], start["w4"].float())
    assert not torch.equal(start["w4"], start["w4"].float().double())
    everything = initial_parameters(7, PARAMETERS)
    biases = [name for name in PARAMETERS if name.startswith("b")]
    assert [name for name in biases if everything[name] == lesson.START[name]][-1] == "b3"
    assert [name for name in PARAMETERS if everything[name] == 0] == biases
    assert not [name for name in set(PARAMETERS) - set(biases) if everything[name] == lesson.START[name]]
    assert {value.device.type for value in initial_parameters(7, device="meta").values()} == {"meta"}
    assert not torch.equal(initial_parameters(8)["w3"], start["w3"])
