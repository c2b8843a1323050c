"""Training in lockstep: every link of every step is judged by itself, and a mistake is found where it is."""

import inspect
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manual_backprop.layers.table import LAYERS
from manual_backprop.losses.table import LOSSES
from manual_backprop.networks.perceptron import perceptron
from manual_backprop.optimisers.table import OPTIMISERS
from manual_backprop.training.minibatches import batches
from strategies_layers import PerceptronCase, perceptron_cases, values
from torch_reference.layers import table as reference
from trainings import lockstep_of, observe, small_case, steps_of, with_layer

NETWORK = perceptron((4, 6, 3), ("tanh", None))

NAMES = (
    *("0.output", "1.output", "2.output", "loss"),
    *("d_loss_d_2.output", "d_loss_d_2.weight", "d_loss_d_2.bias"),
    *("d_loss_d_1.output", "d_loss_d_0.output", "d_loss_d_0.weight", "d_loss_d_0.bias"),
    *(f"after the update, {name}" for name in ("0.weight", "0.bias", "2.weight", "2.bias")),
)


@pytest.mark.sample(6)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_a_right_training_never_diverges(activation: str, dtype: torch.dtype) -> None:
    """Every activation: each link of each step is within its bound, and the bounds leave room."""
    case = small_case(activation, dtype=dtype)
    lockstep = lockstep_of(case)
    for step in steps_of(case, epochs=4):
        observe(lockstep, step)
    assert lockstep.divergence is None
    assert (lockstep.seen, lockstep.checked) == (12, 12)
    assert 0 < lockstep.largest_ratio < 0.5


def test_a_step_says_where_it_began_and_what_it_saw() -> None:
    """Its epoch, its number and the rows of its mini-batch."""
    case = small_case()
    steps = list(steps_of(case, 2))
    assert [(step.before.epoch, step.after.epoch) for step in steps] == 3 * [(0, 0)] + 3 * [(1, 1)]
    assert [(step.before.step, step.after.step) for step in steps] == [(k, k + 1) for k in range(6)]
    rows = [*batches(20, 8, 3, 0), *batches(20, 8, 3, 1)]
    for here, step in zip(rows, steps, strict=True):
        assert torch.equal(step.inputs, case.inputs[here])
        assert torch.equal(step.targets, case.targets[here])


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_and_optimiser_stays_in_lockstep(loss: str, optimiser: str) -> None:
    """With weight decay, if it has one; both trainings stay nearer than a rate that is off by 1e-9."""
    case = small_case("gelu", loss)
    takes_decay = "weight_decay" in inspect.signature(OPTIMISERS[optimiser]).parameters
    decay = {"weight_decay": 0.01} if takes_decay else {}
    lockstep = lockstep_of(case, optimiser, **decay)
    wrong = lockstep_of(case, optimiser, 0, **decay, learning_rate=0.02 * (1 + 1e-9))
    for step in steps_of(case, 2, optimiser, **decay):
        observe(lockstep, step)
        observe(wrong, step)
    assert lockstep.divergence is None
    # The drift is observed, and has no bound (lockstep.py): it is held against a planted mistake's.
    assert lockstep.drift < wrong.drift


@pytest.mark.medium
@given(perceptron_cases(), st.sampled_from(("normal", "saturated", "kinks", "equal", "offset", "tiny")))
def test_the_bounds_hold_for_awkward_values(case: PerceptronCase, kind: str) -> None:
    """Any small perceptron on saturating, tied, equal, large and tiny inputs: no false alarm."""
    generator = torch.Generator().manual_seed(len(case.inputs))
    inputs = values(kind, tuple(case.inputs.shape), case.inputs.dtype, generator)
    case = case._replace(inputs=inputs)
    lockstep = lockstep_of(case, "gradient_descent")
    for step in steps_of(case, 1, "gradient_descent"):
        observe(lockstep, step)
    assert lockstep.divergence is None, str(lockstep.divergence)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [0, 7])
def test_a_mistake_at_step_k_is_reported_at_step_k_and_its_link(name: str, k: int) -> None:
    """One number off by one in a billion of its tensor's size, at every link of the chain."""
    case = small_case()
    lockstep = lockstep_of(case)
    for step in steps_of(case, 3):
        wrong = {}
        if step.before.step == k:
            right = {**step.trace.intermediates, "loss": step.loss}
            right |= {f"d_loss_d_{key}": value for key, value in step.gradients.items()}
            right |= {f"after the update, {key}": value for key, value in step.after.parameters.items()}
            off = right[name].clone()
            off.view(-1)[0] += 1e-9 * off.abs().max()
            wrong = {name: off}
        observe(lockstep, step, wrong)
    assert lockstep.divergence is not None
    assert lockstep.divergence.step == k
    assert name in [row.name for row in lockstep.divergence.rows]
    # What a module does with a number is judged from that number: only neighbours may be blamed besides.
    assert len(lockstep.divergence.rows) <= 4
    first = lockstep.divergence.rows[0]
    by = f"by {first.difference:.3g}, where rounding explains {first.bound:.3g}"
    assert str(lockstep.divergence) == f"step {k}, {first.name}: differs {by}"
    assert lockstep.checked == k + 1


def test_a_wrong_derivation_is_found_at_its_link_alone() -> None:
    """A derivative of tanh that is wrong by one in a billion, from the first step on."""
    tanh = LAYERS["tanh"]
    right = tanh.derivatives["input"]
    wrong = tanh._replace(derivatives={"input": lambda saved, d: (1 + 1e-9) * right(saved, d)})
    case = small_case()
    lockstep = lockstep_of(case)
    for step in steps_of(case, 1, network=with_layer(NETWORK, "1", wrong)):
        observe(lockstep, step)
    assert lockstep.divergence is not None
    assert [row.name for row in lockstep.divergence.rows] == ["d_loss_d_0.output"]


def test_a_missing_number_and_a_wrong_shape_are_no_agreement() -> None:
    """A NaN where torch has a number, and a bias gradient of shape (1, m)."""
    case = small_case()
    step = next(steps_of(case, 1))
    for wrong, verdict in (
        (torch.full((3,), math.nan).double(), "nan by nan, where rounding explains"),
        (step.gradients["2.bias"].unsqueeze(0), "wrong shape; expected (3,), found (1, 3)"),
    ):
        lockstep = lockstep_of(case)
        observe(lockstep, step, {"d_loss_d_2.bias": wrong})
        assert lockstep.divergence is not None
        assert f"step 0, d_loss_d_2.bias: {verdict}" in str(lockstep.divergence)


def test_both_diverge_together() -> None:
    """Steps that overflow are judged as far as numbers go; beyond, rounding may do anything."""
    case = small_case("leaky_relu", "ssr")
    lockstep = lockstep_of(case, "gradient_descent", learning_rate=1e100)
    steps = list(steps_of(case, 3, "gradient_descent", learning_rate=1e100))
    for step in steps:
        observe(lockstep, step)
    assert not steps[-1].loss.isfinite()
    assert lockstep.divergence is None, str(lockstep.divergence)
    # Nothing is said to be near a bound that is infinite.
    assert lockstep.largest_ratio < 0.5


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_lockstep_goes_on_from_what_it_saved(optimiser: str) -> None:
    """Bit for bit, memory of both optimisers included."""
    case = small_case()
    steps = list(steps_of(case, 4, optimiser))
    whole, first, second = (lockstep_of(case, optimiser) for _ in range(3))
    for step in steps:
        observe(whole, step)
    for step in steps[:5]:
        observe(first, step)
    second.restore(first.saved())
    for step in steps[5:]:
        observe(second, step)
    assert second.divergence is None
    assert all(torch.equal(value, whole.own.here[name]) for name, value in second.own.here.items())
    assert (second.checked, second.compared, second.drift) == (whole.checked, whole.compared, whole.drift)


def test_unknown_names_are_refused() -> None:
    """An unknown loss and an unknown optimiser, each with the known ones."""
    with pytest.raises(ValueError, match=f"unknown loss 'mse': the known ones are {', '.join(LOSSES)}"):
        next(steps_of(small_case()._replace(loss="mse"), 1))
    with pytest.raises(
        ValueError, match=f"unknown optimiser 'sgd': the known ones are {', '.join(OPTIMISERS)}"
    ):
        next(steps_of(small_case(), 1, "sgd"))
