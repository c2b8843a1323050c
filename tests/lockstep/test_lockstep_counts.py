"""What a lockstep counts and remembers: steps, numbers, the nearest to its bound, the drift."""

import pytest
import torch

from torch_reference.lockstep.link_by_link import links
from torch_reference.lockstep.training import Training
from torch_reference.networks.perceptron import sequential
from training.run import judged
from trainings import lockstep_of, observe, small_case, steps_of


@pytest.mark.parametrize(("every", "checked"), [(0, 0), (1, 12), (5, 3)])
def test_every_kth_step_is_judged(every: int, checked: int) -> None:
    """And the training by torch, and its optimiser, go on at every step."""
    case = small_case()
    lockstep, settings = lockstep_of(case, check_every=every), {"learning_rate": 0.02}
    alone = Training(sequential(case.widths, case.activations), case.parameters, case.loss, "adam", settings)
    apart = []
    for step in steps_of(case, 4):
        observe(lockstep, step)
        alone.take(step.inputs, step.targets)
        apart += [
            (step.after.parameters[n] - alone.parameters[n]).abs().max().item() for n in case.parameters
        ]
    assert (lockstep.seen, lockstep.checked) == (12, checked)
    assert (lockstep.largest_at == (0, "")) == (lockstep.largest_ratio == 0) == (checked == 0)
    assert lockstep.drift == max(apart)
    assert lockstep.divergence is None


def test_every_number_is_counted_and_the_nearest_to_its_bound_is_remembered() -> None:
    """Over all steps; the loss of the second is moved by nine tenths of its bound."""
    case = small_case()
    lockstep, network = lockstep_of(case), sequential(case.widths, case.activations)
    steps = list(steps_of(case, 1))
    expected = [list(links(network, judged(step), case.loss)) for step in steps]
    updated = sum(value.numel() for value in case.parameters.values())
    for number, step in enumerate(steps):
        [loss] = [link for link in expected[number] if link.name == "loss"]
        observe(lockstep, step, {"loss": loss.expected + 0.9 * loss.bound} if number == 1 else {})
        judged_so_far = sum(link.expected.numel() for found in expected[: number + 1] for link in found)
        assert lockstep.compared == judged_so_far + (number + 1) * updated
    assert lockstep.divergence is None
    assert lockstep.largest_at == (1, "loss")
    one_rounding = (torch.finfo(torch.float64).eps * loss.expected / loss.bound).item()
    assert lockstep.largest_ratio == pytest.approx(0.9, abs=one_rounding)
    observe(lockstep, step, {"loss": loss.expected + 1.5 * loss.bound})
    assert lockstep.divergence is not None
    assert lockstep.divergence.rows[0].name == "loss"


def test_the_largest_drift_is_remembered() -> None:
    """Also where the two trainings come together again."""
    case = small_case()
    lockstep, steps = lockstep_of(case, check_every=0), steps_of(case, 1)
    away = next(steps)
    observe(lockstep, away, {"after the update, 0.bias": away.after.parameters["0.bias"] + 1})
    largest = lockstep.drift
    observe(lockstep, next(steps))
    assert lockstep.drift == largest == pytest.approx(1)
