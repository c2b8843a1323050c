"""The optimisers in lockstep with torch.optim: the same gradients give the same bits, step by step.

Both sides do the same operations in the same order (torch.optim's plain implementation, foreach=False), so
that the bound is not some roundings per step but none: every parameter and every memory is equal.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manual_backprop.networks import perceptron
from manual_backprop.optimisers.table import OPTIMISERS
from optimisers_compared import PAIRS, draw_tensors, lockstep
from strategies_layers import make_perceptron_case, seeds
from torch_reference.optimisers import table as witness


def test_both_witnesses_have_the_same_optimisers() -> None:
    """An optimiser that only one side has would be compared with nothing."""
    assert OPTIMISERS.keys() == witness.OPTIMISERS.keys()


@pytest.mark.parametrize("pair", PAIRS)
def test_the_bits_are_those_of_torch_optim(pair: str) -> None:
    """For 300 steps in both dtypes, with gradients of sizes from 1e-6 to 1e3, some of them missing."""
    lockstep(pair, seed=1)


def test_the_defaults_are_those_of_torch_optim() -> None:
    """The settings that a caller leaves out are the same on both sides."""
    parameter = torch.nn.Parameter(torch.ones(1))
    for name, torch_class in witness.OPTIMISERS.items():
        expected = torch_class([parameter]).defaults
        settings = inspect.signature(OPTIMISERS[name]).parameters
        defaults = {
            setting: parameter.default
            for setting, parameter in settings.items()
            if parameter.kind == parameter.KEYWORD_ONLY
        }
        assert defaults == {setting: expected[witness.SETTINGS.get(setting, setting)] for setting in defaults}


@given(seed=seeds, pair=st.sampled_from(tuple(PAIRS)))
def test_nothing_is_changed_and_no_memory_is_shared(seed: int, pair: str) -> None:
    """Parameters, gradients and the old state stay as they are; a step can be taken twice from one state."""
    generator = torch.Generator().manual_seed(seed)
    optimiser, _, settings = PAIRS[pair]
    start, gradients = draw_tensors(generator), draw_tensors(generator)
    parameters, state = optimiser(start, gradients, {}, **settings)
    del gradients["scalar"]
    old = [*parameters.values(), *gradients.values(), *memories(state)]
    before = [tensor.clone() for tensor in old]
    new_parameters, new_state = optimiser(parameters, gradients, state, **settings)
    again, _ = optimiser(parameters, gradients, state, **settings)
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(old, before, strict=True))
    assert all(torch.equal(new_parameters[name], again[name]) for name in again)
    storages = [
        tensor.untyped_storage().data_ptr()
        for tensor in [*old, *new_parameters.values(), *memories(new_state)]
        if tensor.numel()
    ]
    assert len(set(storages)) == len(storages)


def memories(state: Mapping[str, tuple[Any, ...]]) -> list[Tensor]:
    """All tensors of a state."""
    return [part for memory in state.values() for part in memory if isinstance(part, Tensor)]


@pytest.mark.parametrize(
    ("name", "optimiser"),
    [("gradient_descent", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)],
)
def test_the_default_settings_are_those_of_torch(name: str, optimiser: type[torch.optim.Optimizer]) -> None:
    """Each setting that both know, and the step that they make together."""
    defaults = optimiser([torch.zeros(1)]).defaults
    names = {"learning_rate": "lr", "epsilon": "eps"}
    for setting in inspect.signature(OPTIMISERS[name]).parameters.values():
        if setting.kind is setting.KEYWORD_ONLY:
            assert setting.default == defaults[names.get(setting.name, setting.name)]
    value = torch.tensor([0.5], dtype=torch.float64)
    parameter = value.clone().requires_grad_()
    parameter.grad = torch.tensor([0.25], dtype=torch.float64)
    optimiser([parameter], foreach=False).step()
    [updated] = OPTIMISERS[name]({"w": value}, {"w": parameter.grad}, {})[0].values()
    assert torch.equal(updated, parameter.detach())


def test_without_decay_an_infinite_parameter_does_not_spoil_its_step() -> None:
    """0 · ∞ would be NaN."""
    infinite = {"w": torch.tensor([torch.inf])}
    assert OPTIMISERS["gradient_descent"](infinite, {"w": torch.ones(1)}, {})[0]["w"].item() == torch.inf


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_perceptron_learns(name: str) -> None:
    """The derivation's gradients and the optimiser together lower the loss, from a network that is wrong."""
    case = make_perceptron_case((3, 8, 2), ("tanh", None), "mean_squared_error", 16, torch.float64, seed=3)
    network, parameters, state = perceptron.perceptron(case.widths, case.activations), case.parameters, {}
    losses = []
    for _ in range(100):
        loss, gradients = perceptron.loss_and_gradients(
            network, parameters, case.inputs, case.targets, case.loss
        )
        losses.append(loss.item())
        parameters, state = OPTIMISERS[name](parameters, gradients, state, learning_rate=0.03)
    assert losses[-1] < losses[0] / 2
