"""The optimisers in lockstep with torch.optim: the same gradients give the same bits, step by step.

Both sides do the same operations in the same order (torch.optim's plain implementation, foreach=False), so
that the bound is not some roundings per step but none: every parameter and every memory is equal.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manual_backprop.networks import perceptron
from manual_backprop.optimisers import table as optimisers
from manual_backprop.optimisers.table import OPTIMISERS, adam, adamw, gradient_descent
from strategies_layers import make_perceptron_case, seeds
from torch_reference.optimisers import table as witness

STEPS = 300
# A vector of the processor and a rest, in both dtypes at once; a scalar; nothing at all.
TENSORS = {
    "0.weight": ((4, 5), torch.float64),
    "1.weight": ((4, 5), torch.float32),
    "scalar": ((), torch.float64),
    "empty": ((0, 2), torch.float32),
}

# Name -> the optimiser by hand, torch's, and the settings of each; every one of the table with its defaults.
PAIRS: dict[str, tuple[Callable[..., Any], type[torch.optim.Optimizer], dict[str, Any]]] = {
    **{name: (OPTIMISERS[name], witness.OPTIMISERS[name], {}) for name in OPTIMISERS},
    "weight decay": (gradient_descent, torch.optim.SGD, {"weight_decay": 0.01}),
    "dampening without momentum": (gradient_descent, torch.optim.SGD, {"dampening": 0.5}),
    "momentum": (gradient_descent, torch.optim.SGD, {"momentum": 0.9}),
    "momentum, dampening": (gradient_descent, torch.optim.SGD, {"momentum": 0.9, "dampening": 0.3}),
    "momentum, weight decay": (gradient_descent, torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    "Nesterov": (gradient_descent, torch.optim.SGD, {"momentum": 0.8, "nesterov": True}),
    "Nesterov, weight decay": (
        gradient_descent,
        torch.optim.SGD,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.02},
    ),
    "Adam, weight decay": (adam, torch.optim.Adam, {"weight_decay": 0.05}),
    "Adam, other betas": (adam, torch.optim.Adam, {"betas": (0.5, 0.9), "epsilon": 1e-3}),
    "Adam, betas of 0": (adam, torch.optim.Adam, {"betas": (0.0, 0.0)}),
    "AdamW, decay": (adamw, torch.optim.AdamW, {"weight_decay": 0.3}),
}


def draw_tensors(generator: torch.Generator) -> dict[str, Tensor]:
    """Tensors of all shapes, of sizes from 1e-6 to 1e3."""
    size = 10 ** (9 * torch.rand((), generator=generator) - 6)
    return {
        name: (torch.randn(shape, dtype=dtype, generator=generator) * size).to(dtype)
        for name, (shape, dtype) in TENSORS.items()
    }


def lockstep(pair: str, seed: int, optimiser: Callable[..., Any] | None = None) -> None:
    """Assert that both sides have the same bits after every step, from the same start and gradients."""
    by_hand, by_torch, settings = PAIRS[pair]
    generator = torch.Generator().manual_seed(seed)
    parameters = draw_tensors(generator)
    reference = {name: torch.nn.Parameter(tensor.clone()) for name, tensor in parameters.items()}
    torch_settings = {witness.SETTINGS.get(name, name): value for name, value in settings.items()}
    torch_optimiser = by_torch(reference.values(), lr=0.01, foreach=False, **torch_settings)  # type: ignore[call-arg]
    state: Mapping[str, Any] = {}
    for step in range(STEPS):
        gradients = draw_tensors(generator)
        if step % 7 == 3:
            # A parameter may have no gradient for a step: its memory waits.
            del gradients["1.weight"]
        for name, parameter in reference.items():
            parameter.grad = gradients[name].clone() if name in gradients else None
        torch_optimiser.step()
        parameters, state = (optimiser or by_hand)(
            parameters, gradients, state, learning_rate=0.01, **settings
        )
        for name, parameter in reference.items():
            assert torch.equal(parameters[name], parameter.detach()), f"{name} at step {step}"
    for name, memory in state.items():
        for part, value in memory._asdict().items():
            expected = torch_optimiser.state[reference[name]][witness.MEMORIES.get(part, part)]
            assert torch.equal(torch.as_tensor(value, dtype=expected.dtype), expected), f"{part} of {name}"


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


def without_bias_correction(*arguments: Any, learning_rate: float, **settings: Any) -> Any:
    parameters, gradients, _ = arguments
    _, new_state = adam(*arguments, learning_rate=learning_rate, **settings)
    return {
        name: torch.addcdiv(
            parameter, new_state[name].first, new_state[name].second.sqrt() + 1e-8, value=-learning_rate
        )
        if name in gradients
        else parameter
        for name, parameter in parameters.items()
    }, new_state


def with_another_epsilon(*arguments: Any, learning_rate: float, **settings: Any) -> Any:
    return adam(*arguments, learning_rate=learning_rate, epsilon=1e-7, **settings)


def coupled_decay(*arguments: Any, **settings: Any) -> Any:
    return adam(*arguments, **settings)


def without_first_velocity(*arguments: Any, **settings: Any) -> Any:
    parameters, gradients, state = arguments
    zeros = {name: optimisers.Velocity(torch.zeros_like(parameter)) for name, parameter in parameters.items()}
    return gradient_descent(parameters, gradients, {**zeros, **state}, **settings)


def one_step_late(*arguments: Any, **settings: Any) -> Any:
    parameters, gradients, state = arguments
    late = {name: memory._replace(step=memory.step + 1) for name, memory in state.items()}
    return adam(parameters, gradients, late, **settings)


MISTAKES: dict[str, tuple[str, Callable[..., Any]]] = {
    "Adam without bias correction": ("adam", without_bias_correction),
    "Adam with another epsilon": ("adam", with_another_epsilon),
    "Adam with the wrong step": ("adam", one_step_late),
    "AdamW with Adam's decay": ("AdamW, decay", coupled_decay),
    "dampened first velocity": ("momentum, dampening", without_first_velocity),
    "Nesterov forgotten": (
        "Nesterov",
        lambda *arguments, nesterov, **settings: gradient_descent(*arguments, **settings),
    ),
    "decay forgotten": (
        "weight decay",
        lambda *arguments, weight_decay, **settings: gradient_descent(*arguments, **settings),
    ),
    "ascent": (
        "gradient_descent",
        lambda parameters, gradients, state, **settings: gradient_descent(
            parameters, {name: -gradient for name, gradient in gradients.items()}, state, **settings
        ),
    ),
}


@pytest.mark.parametrize(("pair", "wrong"), MISTAKES.values(), ids=MISTAKES)
def test_a_planted_mistake_in_an_optimiser_is_refused(pair: str, wrong: Callable[..., Any]) -> None:
    """Testing the test: each mistake leaves torch's bits."""
    with pytest.raises(AssertionError, match="at step"):
        lockstep(pair, seed=1, optimiser=wrong)


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


ADAMS = ("adam", "adamw")
OURS = ("gradient_descent", *ADAMS)
OUT_OF_RANGE = [
    *((name, {"learning_rate": -1.0}, "learning_rate", "inf", "-1.0") for name in OURS),
    *((name, {"weight_decay": -0.1}, "weight_decay", "inf", "-0.1") for name in OURS),
    ("gradient_descent", {"learning_rate": float("nan")}, "learning_rate", "inf", "nan"),
    ("gradient_descent", {"momentum": -0.5}, "momentum", "inf", "-0.5"),
    *((name, {"betas": (1.0, 0.9)}, "the first beta", "1", "1.0") for name in ADAMS),
    *((name, {"betas": (0.9, 1.0)}, "the second beta", "1", "1.0") for name in ADAMS),
    *((name, {"betas": (0.9, -0.1)}, "the second beta", "1", "-0.1") for name in ADAMS),
    *((name, {"epsilon": -1e-8}, "epsilon", "inf", "-1e-08") for name in ADAMS),
]


@pytest.mark.parametrize(("name", "settings", "what", "below", "found"), OUT_OF_RANGE)
def test_a_setting_out_of_range_is_refused(
    name: str, settings: dict[str, Any], what: str, below: str, found: str
) -> None:
    """The line names the setting, its range and what was found."""
    tensors = {"w": torch.ones(2)}
    with pytest.raises(ValueError, match="must be at least 0") as raised:
        OPTIMISERS[name](tensors, tensors, {}, **settings)
    assert str(raised.value) == f"{what} must be at least 0 and below {below}, found {found}"


@pytest.mark.parametrize(("momentum", "dampening"), [(0.0, 0.0), (0.9, 0.1)])
def test_nesterov_without_momentum_or_with_dampening_is_refused(momentum: float, dampening: float) -> None:
    """As torch has it."""
    tensors = {"w": torch.ones(2)}
    with pytest.raises(ValueError, match="Nesterov") as raised:
        gradient_descent(tensors, tensors, {}, momentum=momentum, dampening=dampening, nesterov=True)
    expected = f"Nesterov needs a momentum and no dampening, found momentum {momentum}, dampening {dampening}"
    assert str(raised.value) == expected


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
def test_gradients_that_do_not_fit_are_refused(name: str) -> None:
    """A gradient that would broadcast, or that belongs to no parameter, is an error."""
    with pytest.raises(ValueError, match=r"the gradient of w must have shape \(2,\), found \(1,\)"):
        OPTIMISERS[name]({"w": torch.ones(2)}, {"w": torch.ones(1)}, {})
    with pytest.raises(ValueError, match="unknown parameter 'v': the known ones are w"):
        OPTIMISERS[name]({"w": torch.ones(2)}, {"v": torch.ones(2)}, {})
    with pytest.raises(TypeError, match=r"the gradient of w must have the dtype of w, torch\.float32"):
        OPTIMISERS[name]({"w": torch.ones(2)}, {"w": torch.ones(2, dtype=torch.float64)}, {})


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
